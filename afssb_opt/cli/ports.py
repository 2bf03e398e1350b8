"""Whether a port of this machine is free for a server that a command starts."""

from __future__ import annotations

import socket

from afssb_opt.domain.errors import StoreError


def require_free(port: int, remedy: str) -> None:
    """Refuse a port that something listens on.

    Args:
        remedy: What else to do, for the message.

    Raises:
        StoreError: The port is taken.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise StoreError(f"port {port} is in use ({error.strerror}). {remedy}") from None
