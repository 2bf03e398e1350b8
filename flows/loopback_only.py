"""A gate in front of a local server: it answers this machine's own addresses and pages of its own, nobody else.

A server on loopback is still reachable from a web page in the user's browser: by a request across origins, or
under a foreign name that was made to point here. Both carry a header that tells.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class LoopbackOnly:
    """ASGI middleware that refuses requests under a foreign name or from a page of another origin."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}
        self._origins = {f"http://{host}" for host in self._hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request of this machine on; answer any other with 403."""
        if scope["type"] in ("http", "websocket") and not self._is_ours(Headers(scope=scope)):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            refusal = PlainTextResponse("this server answers requests of its own machine only", status_code=403)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_ours(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        return headers.get("host") in self._hosts and (origin is None or origin in self._origins)
