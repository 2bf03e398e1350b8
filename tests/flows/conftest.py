"""What flow tests share: a Prefect server per module, since starting one takes five seconds, and a campaign."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.local_server import prefect_api


# Not longer: other modules fork this process, or count the servers under it.
@pytest.fixture(scope="module")
def api(tmp_path_factory):
    with prefect_api(tmp_path_factory.mktemp("server") / "prefect", lambda: os.environ["PREFECT_API_URL"]) as address:
        # Other tests shall not meet it.
        kept = {name: os.environ.pop(name) for name in ("PREFECT_API_URL", "PREFECT_HOME")}
        yield address
        os.environ.update(kept)


@pytest.fixture
def server(api, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", api)
    # Another test may have imported Prefect, which reads its settings then.
    with temporary_settings({PREFECT_API_URL: api}):
        yield api


INSTANT = """
name: instant
space: {x: {low: 0, high: 1}}
objectives: {z: {goal: maximize}}
evaluator: {python: "instant:measure"}
batch_size: 4
"""
EVALUATOR = """
def measure(designs, protocol):
    return designs[["x"]].rename(columns={"x": "z"})
"""


@pytest.fixture
def instant_campaign(tmp_path, monkeypatch) -> Callable[[int], Path]:
    """Write a campaign of so many cells that are evaluated at once, and return its file."""

    def written(n_cells: int) -> Path:
        monkeypatch.setenv("AFSSB_TRUSTED_CODE", str(tmp_path))
        (tmp_path / "instant.py").write_text(EVALUATOR)
        file = tmp_path / "instant.yaml"
        file.write_text(f"{INSTANT}budget: {{trials: {n_cells}}}\n")
        return file

    return written
