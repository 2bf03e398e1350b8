"""The team stack as installed on a machine: systemd's units, or containers, which are killed and must come back alone.

It offers what `stack.TeamStack` offers, but starts nothing: whoever supervises the parts has to do that.
"""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import subprocess
import time
from pathlib import Path

from stack import START_S, wait_until

import flows

# A campaign of each run of its own, where the worker may write; it stays for whoever wants to look at it.
CAMPAIGNS = Path("/srv/afssb/restarts")


class InstalledStack:
    """Servers and worker that systemd keeps alive, as `docs/team-server.md` installs them; needs root."""

    programs = Path("/opt/afssb/bin")
    user = "afssb"
    prefect_url = "http://127.0.0.1:4200"
    mlflow_url = "http://127.0.0.1:5000"

    def __init__(self) -> None:
        """Read the worker's settings and make a folder for the campaign."""
        lines = [line for line in Path("/etc/afssb/worker.env").read_text().splitlines() if "=" in line]
        self.worker = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
        self.folder = CAMPAIGNS / time.strftime("%Y%m%d-%H%M%S")
        self.folder.mkdir(parents=True)
        self._killed: dict[str, str] = {}

    def start(self) -> None:
        """Check that every part is there; nothing is started here."""
        for part in ("postgresql", "prefect", "mlflow", "worker"):
            self._wait_active(part)

    def command(self, program: str, *arguments: str) -> str:
        """Run a program as the worker's user, with the worker's settings, and return what it prints."""
        done = subprocess.run(
            [str(self.programs / program), *arguments],
            env={**self.worker, "PATH": os.environ["PATH"], "HOME": pwd.getpwnam(self.user).pw_dir},
            # Where `flows/prefect.yaml` is in an installed package.
            cwd=Path(flows.__file__).parents[1],
            user=self.user, group=self.user, extra_groups=[],
            capture_output=True, text=True, timeout=START_S, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"{program} {' '.join(arguments)} failed: {done.stdout}{done.stderr}")
        return done.stdout

    def hand_over(self) -> None:
        """Give the campaign's folder to the worker's user."""
        for path in (self.folder, *self.folder.iterdir()):
            shutil.chown(path, self.user, self.user)

    def kill_part(self, name: str) -> None:
        """`SIGKILL` to all processes of a unit."""
        self._killed[name] = self._property(name, "InvocationID")
        _systemctl("kill", "--signal=SIGKILL", self._unit(name))

    def start_part(self, name: str) -> None:
        """Wait until systemd has started a killed unit again."""
        self._wait_active(name)

    def wait_for(self, name: str) -> None:
        """A server that does not answer yet is no reason to wait: the campaign has to bear it."""

    def stop(self) -> None:
        """Leave everything as it is."""

    def _wait_active(self, name: str) -> None:
        def is_back() -> bool:
            is_new = self._property(name, "InvocationID") != self._killed.get(name)
            return is_new and self._property(name, "ActiveState") == "active"

        wait_until(is_back, START_S, f"systemd did not start {self._unit(name)}, see journalctl -u {self._unit(name)}")

    def _property(self, name: str, key: str) -> str:
        return _systemctl("show", "--property", key, "--value", self._unit(name)).strip()

    def _unit(self, name: str) -> str:
        if name != "postgresql":
            return f"afssb-{name}.service"
        # Debian's postgresql.service is an empty name for the units of the clusters.
        clusters = _systemctl("list-units", "--plain", "--no-legend", "postgresql@*.service").split()
        return clusters[0] if clusters else "postgresql.service"


def _systemctl(*arguments: str) -> str:
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)  # noqa: S607
    if done.returncode != 0:
        raise RuntimeError(f"systemctl {shlex.join(arguments)}: {done.stderr.strip()}")
    return done.stdout
