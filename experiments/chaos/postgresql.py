"""A PostgreSQL server of one's own that can be crashed and started again, for chaos runs and tests."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self


def server_programs() -> Path | None:
    """Return the folder of `initdb` and `pg_ctl`, None where PostgreSQL is not installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


def server_user() -> str | None:
    """Return who may run the server: PostgreSQL refuses root, so root needs the user that its package makes."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return None


class ThrowAwayServer:
    """A server on a socket in a private folder; gone when the block ends."""

    def __init__(self, folder: Path | None = None, *, is_syncing: bool = True) -> None:
        """Look for the programs; nothing is started yet.

        Args:
            folder: Where its files go; without one a new folder of its own.
            is_syncing: Whether it waits for the disk; only a crash of the whole machine makes a difference.

        Raises:
            FileNotFoundError: No server is installed that could be run here.
        """
        programs, user = server_programs(), server_user()
        if programs is None or user is None:
            raise FileNotFoundError("no PostgreSQL server is installed, or root has no user postgres to run it as")
        self._programs, self.user = programs, user
        self.folder = folder or Path(tempfile.mkdtemp(prefix="afssb-pg-"))
        self.settings = {
            "listen_addresses": "''",
            "unix_socket_directories": str(self.folder),
            "max_connections": "80",
            "fsync": "on" if is_syncing else "off",
        }

    def __enter__(self) -> Self:
        if os.geteuid() == 0:
            shutil.chown(self.folder, self.user)
        self._run("initdb", "-A", "trust", "-N", "-E", "UTF8")
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run("pg_ctl", "-m", "immediate", "stop", is_checked=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Start it, also after a crash, and wait until it answers."""
        options = " ".join(f"-c {name}={value}" for name, value in self.settings.items())
        self._run("pg_ctl", "-w", "-t", "120", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """Stop it properly; clients are cut off."""
        self._run("pg_ctl", "-w", "-m", "fast", "stop")

    def pid(self) -> int:
        """Return the number of the postmaster."""
        return int((self.folder / "data" / "postmaster.pid").read_text(encoding="ascii").splitlines()[0])

    def crash(self) -> None:
        """Kill the postmaster and every backend at once, as a power cut would; the files stay as they are."""
        postmaster = self.pid()
        children = _children(postmaster)
        for pid in (postmaster, *children):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        while any(Path(f"/proc/{pid}/exe").exists() for pid in (postmaster, *children)):
            signal.sigtimedwait([], 0.01)
        # A dead process that nobody has waited for keeps its number, which PostgreSQL would take for a running server.
        for left in (self.folder / "data" / "postmaster.pid", *self.folder.glob(".s.PGSQL.*")):
            left.unlink(missing_ok=True)

    def kill_backends(self) -> None:
        """Kill the processes that serve clients; the server then restarts itself and recovers."""
        for pid in _children(self.pid()):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes()
                if b"idle" in words or b"INSERT" in words or b"SELECT" in words or b"COMMIT" in words:
                    os.kill(pid, signal.SIGKILL)
            except (OSError, ProcessLookupError):
                continue

    def wait_until_up(self) -> None:
        """Wait until it answers again, after a crash that it mends by itself."""
        import psycopg

        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(host=str(self.folder), user=self.user, dbname="postgres").close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def new_url(self) -> str:
        """Return the address of a new, empty schema."""
        import psycopg

        schema = f"t{uuid.uuid4().hex}"
        with psycopg.connect(host=str(self.folder), user=self.user, dbname="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {schema}")  # type: ignore[arg-type]
        return f"postgresql://{self.user}@/postgres?host={self.folder}&options=-csearch_path%3D{schema}"

    def _run(self, program: str, *arguments: str, is_checked: bool = True) -> None:
        switch = {"user": self.user} if os.geteuid() == 0 else {}
        subprocess.run(
            [str(self._programs / program), "-D", str(self.folder / "data"), *arguments],
            check=is_checked, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder,
            **switch,  # type: ignore[call-overload]
        )  # fmt: skip


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(word) for word in text.split()]
