"""The team stack of `docs/team-server.md` on loopback: PostgreSQL, Prefect, MLflow and a worker, as in `deploy/`.

Commands come from the systemd units and settings from the example files, with passwords, ports and folders of this
run put in, so that what is tried here is what is documented.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil

REPOSITORY = Path(__file__).resolve().parents[2]
# The chaos runs have the server that can be killed; both are scripts and no packages.
sys.path.append(str(REPOSITORY / "experiments" / "chaos"))
from postgresql import ThrowAwayServer  # noqa: E402  needs the line above

DEPLOY = REPOSITORY / "deploy"
PROGRAMS = Path(sys.executable).parent

# First starts write hundreds of tables; 38 s were seen on a busy machine, several times that on a very busy one.
START_S = 240.0


class TeamStack:
    """Servers and worker of one team, in one folder, each of which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        """Write the settings; `start` brings everything up."""
        self.folder = folder
        self.postgresql = PostgreSQL(folder / "postgresql", _free_port())
        self.ports = {"prefect": _free_port(), "mlflow": _free_port()}
        self._passwords: dict[str, str] = {}
        for name in ("store", "mlartifacts", "prefect"):
            (folder / name).mkdir(mode=0o700, parents=True)
        (folder / "mlflow-auth.ini").write_text(self._filled("mlflow-auth.ini.example"))
        self.server = self._settings("server.env.example")
        self.worker = self._settings("worker.env.example")
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Bring everything up as the page says: databases, servers, user of MLflow, work pool, worker."""
        self.postgresql.create(self._filled("postgresql.sql.example"))
        self.start_part("prefect")
        self.start_part("mlflow")
        self.wait_for("mlflow")
        self._create_mlflow_user()
        self.wait_for("prefect")
        self.command("prefect", "work-pool", "create", "afssb", "--type", "process")

    def start_part(self, name: str) -> None:
        """Start one of postgresql, prefect, mlflow and worker."""
        if name == "postgresql":
            self.postgresql.start()
            return
        unit = (DEPLOY / "systemd" / f"afssb-{name}.service").read_text()
        program, *arguments = shlex.split(re.search(r"^ExecStart=(.*)$", unit, re.M)[1])
        settings = self.worker if name == "worker" else self.server
        environment = {**self._plain_environment(), **settings, "PREFECT_HOME": str(self.folder / "prefect" / name)}
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [str(PROGRAMS / Path(program).name), *arguments],
                env=environment, stdout=log, stderr=log, cwd=self.folder, start_new_session=True,
            )  # fmt: skip

    def kill_part(self, name: str) -> None:
        """End one part as a crash does: `SIGKILL` to it and all its processes."""
        if name == "postgresql":
            self.postgresql.kill()
            return
        process = self.processes.pop(name)
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        for member in family:
            try:
                member.kill()
            except psutil.NoSuchProcess:
                continue
        process.wait()

    def wait_for(self, name: str) -> None:
        """Wait until a server answers."""
        url = {"prefect": f"{self.prefect_url}/api/health", "mlflow": f"{self.mlflow_url}/health"}[name]
        wait_until(lambda: _answers(url), START_S, f"{name} does not answer, see {self.folder / name}.log")

    def stop(self) -> None:
        """End everything."""
        for name in list(self.processes):
            self.kill_part(name)
        self.postgresql.kill()

    @property
    def prefect_url(self) -> str:
        """Address of Prefect's server."""
        return f"http://127.0.0.1:{self.ports['prefect']}"

    @property
    def mlflow_url(self) -> str:
        """Address of MLflow's server."""
        return f"http://127.0.0.1:{self.ports['mlflow']}"

    @property
    def client_environment(self) -> dict[str, str]:
        """Environment of a member of the team: the worker's settings."""
        return {**self._plain_environment(), **self.worker, "PREFECT_HOME": str(self.folder / "prefect" / "client")}

    def command(self, program: str, *arguments: str) -> str:
        """Run a program as a member of the team and return what it prints."""
        done = subprocess.run(
            [str(PROGRAMS / program), *arguments],
            env=self.client_environment, capture_output=True, text=True, cwd=REPOSITORY, timeout=START_S, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"{program} {' '.join(arguments)} failed: {done.stdout}{done.stderr}")
        return done.stdout

    def hand_over(self) -> None:
        """Everything here belongs to one user already."""

    def _plain_environment(self) -> dict[str, str]:
        """This process's environment without settings of the stack, and with a home of its own, as in the units."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AFSSB_", "PREFECT_", "MLFLOW_", "XDG_"))}
        return {**kept, "HOME": str(self.folder)}

    def _create_mlflow_user(self) -> None:
        body = f'{{"username": "afssb", "password": "{self.worker["MLFLOW_TRACKING_PASSWORD"]}"}}'.encode()
        admin = f"admin:{self.server['MLFLOW_AUTH_ADMIN_PASSWORD']}".encode()
        request = urllib.request.Request(  # noqa: S310  our own loopback address
            f"{self.mlflow_url}/api/2.0/mlflow/users/create",
            body,
            {"Authorization": f"Basic {base64.b64encode(admin).decode()}", "Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=60).close()  # noqa: S310

    def _settings(self, example: str) -> dict[str, str]:
        lines = [line for line in self._filled(example).splitlines() if line and not line.startswith("#")]
        return {name: value for name, _, value in (line.partition("=") for line in lines)}

    def _filled(self, example: str) -> str:
        text = (DEPLOY / example).read_text()
        text = re.sub(
            r"change-me-\d+[\w-]*", lambda m: self._passwords.setdefault(m[0], secrets.token_urlsafe(16)), text
        )
        for old, new in {
            "127.0.0.1:5432": f"127.0.0.1:{self.postgresql.port}",
            "127.0.0.1:4200": f"127.0.0.1:{self.ports['prefect']}",
            "127.0.0.1:5000": f"127.0.0.1:{self.ports['mlflow']}",
            "API_PORT=4200": f"API_PORT={self.ports['prefect']}",
            "MLFLOW_PORT=5000": f"MLFLOW_PORT={self.ports['mlflow']}",
            "/etc/afssb": str(self.folder),
            "/srv/afssb": str(self.folder),
        }.items():
            text = text.replace(old, new)
        return text


class PostgreSQL(ThrowAwayServer):
    """A throw-away server with passwords, on one port of loopback."""

    def __init__(self, folder: Path, port: int) -> None:
        # Syncing guards against a crash of the machine, which is not tried here, and costs minutes.
        super().__init__(folder, is_syncing=False)
        self.port = port
        self.settings |= {"listen_addresses": "127.0.0.1", "port": str(port)}

    def create(self, roles_and_databases: str) -> None:
        """Make a cluster, start it, and run the statements of the page."""
        import psycopg

        self.folder.mkdir(mode=0o755)
        secret = secrets.token_urlsafe(16)
        (self.folder / "password").write_text(secret)
        if os.geteuid() == 0:
            # The parents are private to root; the server's user has to pass through them.
            for parent in (self.folder, *self.folder.parents[:2]):
                parent.chmod(parent.stat().st_mode | 0o011)
            for path in (self.folder, self.folder / "password"):
                shutil.chown(path, self.user)
        self._run("initdb", "-A", "scram-sha-256", "-U", self.user, "--pwfile", str(self.folder / "password"),
                  "-N", "-E", "UTF8")  # fmt: skip
        self.start()
        with psycopg.connect(
            host="127.0.0.1", port=self.port, user=self.user, password=secret, dbname="postgres", autocommit=True
        ) as connection:
            lines = [line for line in roles_and_databases.splitlines() if not line.startswith("--")]
            for statement in "\n".join(lines).split(";"):
                if statement.strip():
                    connection.execute(statement.strip().encode())

    def kill(self) -> None:
        """`SIGKILL` to all of it, where it runs."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self.crash()


def wait_until(condition: Callable[[], bool], seconds: float, complaint: str) -> None:
    """Ask again and again.

    Raises:
        TimeoutError: The time is up.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(complaint)
        time.sleep(0.2)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:  # noqa: S310  our own loopback address
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
