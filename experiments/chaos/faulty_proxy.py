"""An HTTP proxy on loopback that breaks what passes through it: errors, lost replies, cut replies, delays."""

from __future__ import annotations

import http.client
import random
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Faults:
    """How often what goes wrong, each a probability per request.

    Attributes:
        error: 500 or 503 instead of the server; it never sees the request.
        lose: The server does it, and the connection is closed without a reply.
        cut: The reply ends in the middle.
        slow: The reply comes after `slow_s`.
    """

    error: float = 0.0
    lose: float = 0.0
    cut: float = 0.0
    slow: float = 0.0
    slow_s: float = 0.0


class FaultyProxy:
    """Passes requests on to a server at `127.0.0.1:port` and injects `faults`, which may be exchanged at any time."""

    def __init__(self, port: int, seed: int = 1) -> None:
        self.faults = Faults()
        self.injected: Counter[str] = Counter()
        self.n_requests = 0
        self._target = port
        self._random = random.Random(seed)  # noqa: S311  faults, not secrets
        self._lock = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_any(self) -> None:
                proxy._answer(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_any  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def n_faults(self) -> int:
        """Faults so far."""
        return sum(self.injected.values())

    def _chosen(self) -> str:
        with self._lock:
            self.n_requests += 1
            draw = self._random.random()
            for kind in ("error", "lose", "cut", "slow"):
                draw -= getattr(self.faults, kind)
                if draw < 0:
                    self.injected[kind] += 1
                    return kind
            return ""

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        fault = self._chosen()
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        request.close_connection = True
        if fault == "error":
            request.send_error(self._random.choice([500, 502, 503]))
            return
        if fault == "slow":
            time.sleep(self.faults.slow_s)
        connection = http.client.HTTPConnection("127.0.0.1", self._target, timeout=120)
        try:
            headers = {name: value for name, value in request.headers.items() if name.lower() != "connection"}
            headers["Host"] = f"127.0.0.1:{self._target}"
            connection.request(request.command, request.path, body or None, headers)
            reply = connection.getresponse()
            content = reply.read()
        except OSError:
            request.send_error(502)
            return
        finally:
            connection.close()
        if fault == "lose":
            request.connection.shutdown(socket.SHUT_RDWR)
            return
        try:
            request.send_response(reply.status)
            for name, value in reply.getheaders():
                if name.lower() not in {"connection", "transfer-encoding", "content-length", "date", "server"}:
                    request.send_header(name, value)
            request.send_header("Content-Length", str(len(content)))
            request.end_headers()
            request.wfile.write(content[: len(content) // 2] if fault == "cut" else content)
            request.wfile.flush()
            if fault == "cut":
                request.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            # The client has given up meanwhile.
            return
