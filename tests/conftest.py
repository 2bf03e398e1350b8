"""What all tests share: stores in temporary folders, and helpers to run the real command line."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def private_stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every test away from the stores of the user who runs it."""
    for name in ("AFSSB_DEVICE", "AFSSB_LEDGER_URL", "MLFLOW_TRACKING_URI", "PREFECT_API_URL", "PREFECT_HOME"):
        monkeypatch.delenv(name, raising=False)
    # Nothing is kept among the user's own files, and code that the tests write or that is shipped may run.
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("AFSSB_TRUSTED_CODE", os.pathsep.join([str(tmp_path.parent), str(REPOSITORY)]))
    home = tmp_path / "afssb-store"
    monkeypatch.setenv("AFSSB_HOME", str(home))
    # numba, torch and BLAS of two test processes would otherwise ask for four threads on two cores.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return home


@pytest.fixture(scope="session")
def chaos() -> Callable[[str], Any]:
    """Give the modules of the chaos runs, which start servers and break them, and are no package."""

    def loaded(name: str) -> Any:
        place = REPOSITORY / "experiments" / "chaos" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(f"chaos_{name}", place)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module

    return loaded


@pytest.fixture
def free_port() -> int:
    """A port of loopback on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def afssb(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own and wait for it."""
    command = [sys.executable, "-m", "afssb_opt.cli", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=240, env={**os.environ, **environment}, cwd=REPOSITORY
    )


@pytest.fixture(name="afssb")
def afssb_command():
    """Return the function that runs the command line."""
    return afssb
