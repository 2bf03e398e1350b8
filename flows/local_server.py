"""A Prefect API for one process: started with it, on loopback, and gone with it, also after a kill -9.

Prefect's own ephemeral server outlives a killed parent. This one holds the read end of a pipe whose only
write end is in the parent; the kernel closes that end however the parent dies, and the server leaves at once.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from afssb_opt.domain.errors import StoreUnavailableError

# First start creates Prefect's database; 38 s were seen on a busy machine.
STARTUP_SECONDS = 180.0
STOP_SECONDS = 5.0

T = TypeVar("T")


@contextmanager
def prefect_api(home: Path, meanwhile: Callable[[], T], *, ui_port: int | None = None) -> Iterator[T]:
    """Provide a Prefect API: the one in `PREFECT_API_URL`, or a server of our own under `home`.

    Args:
        home: Folder of the server's database and log.
        ui_port: Serve the user interface and run schedules too, on this port or, for 0, a free one.
        meanwhile: Called while the server starts, with the address set; the place for the first import of
            Prefect, which reads its settings then. What it returns is yielded.

    Raises:
        StoreUnavailableError: The server did not come up; the message names its log.
    """
    if os.environ.get("PREFECT_API_URL"):
        yield meanwhile()
        return
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    port = ui_port or _free_port()
    url = f"http://127.0.0.1:{port}/api"
    log_path = home / "server.log"
    os.environ["PREFECT_API_URL"] = url
    os.environ["PREFECT_HOME"] = str(home)
    server = _start(home, port, log_path, _WITH_UI if ui_port is not None else _WITHOUT_UI)
    try:
        result = meanwhile()
        _wait_until_healthy(server, url, log_path)
        yield result
    finally:
        _send_last_logs()
        del os.environ["PREFECT_API_URL"], os.environ["PREFECT_HOME"]
        _stop(server)


# Without a user interface nobody looks at schedules or blocks either, and the server starts with less.
_WITHOUT_UI: Final = {
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT_UI_ENABLED": "0",
    "PREFECT_SERVER_REGISTER_BLOCKS_ON_START": "0",
}
_WITH_UI: Final = {"PREFECT_UI_ENABLED": "1"}


def _start(home: Path, port: int, log_path: Path, mode: dict[str, str]) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "PREFECT_HOME": str(home),
        "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{_database(home)}",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT__SERVER_FINAL": "1",
        # The page asks port 4200 otherwise, and the package's own folder may be read-only.
        "PREFECT_SERVER_UI_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(home / "ui"),
        **mode,
    }
    with log_path.open("wb") as log:
        # A session of its own: Ctrl-C in the terminal reaches the flow, which still needs the server to say so.
        return subprocess.Popen(  # noqa: S603  our own interpreter and module
            [sys.executable, "-m", "flows.local_server", str(port)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )


def _database(home: Path) -> Path:
    return home / "prefect.db"


def _wait_until_healthy(server: subprocess.Popen[bytes], url: str, log_path: Path) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            tail = log_path.read_text(errors="replace").strip().splitlines()[-1:]
            raise StoreUnavailableError(
                f"Prefect's server ended while starting (exit code {server.returncode}): {' '.join(tail)}. "
                f"Its log is {log_path}; `afssb doctor` checks the installation"
            )
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5) as reply:  # noqa: S310  our own loopback address
                if reply.status == 200:
                    return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.05)
    raise StoreUnavailableError(
        f"Prefect's server did not answer within {STARTUP_SECONDS:.0f} s; its log is {log_path}"
    )


def _send_last_logs() -> None:
    """Wait until Prefect has sent its logs; it would complain about a server that is gone."""
    handlers = sys.modules.get("prefect.logging.handlers")
    if handlers is not None:
        handlers.APILogHandler().flush()


def _stop(server: subprocess.Popen[bytes]) -> None:
    if server.stdin:
        server.stdin.close()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _leave_with_parent() -> None:
    """Wait for the end of standard input, which is the end of the parent, and leave."""
    while sys.stdin.buffer.read(1):
        pass
    os._exit(0)


def _serve(port: int) -> None:
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    import uvicorn  # only the server's process needs it and Prefect's API
    from prefect.server.api.server import create_app

    from flows.loopback_only import LoopbackOnly
    from flows.prefect_database import provide_database

    provide_database(_database(Path(os.environ["PREFECT_HOME"])))
    uvicorn.run(
        LoopbackOnly(create_app(), port),
        host="127.0.0.1",
        port=port,
        log_level="error",
        lifespan="on",
    )


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
