"""How a call to a PostgreSQL server that has stopped answering comes to an end: connections that wait so long only."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any, Final

import psycopg

# Transactions of ours take milliseconds, and rows of a long answer arrive all the time. A false alarm costs a second
# try and no result.
SILENCE_S: Final = 10.0


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that gives up after `SILENCE_S` without a byte.

    The limits of TCP do not help here: the kernel of a machine whose server hangs still confirms what it receives, and
    a local socket has no such limits. Nor do time-outs that the server itself would have to keep.
    """

    def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
        """Consume a generator of psycopg's, and close the connection where nothing comes.

        Raises:
            psycopg.OperationalError: The server is silent.
        """
        try:
            return super().wait(_bounded(gen), *arguments, **options)
        except _SilentServerError:
            self.close()
            raise


class _SilentServerError(psycopg.OperationalError):
    pass


def _bounded(gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Pass everything between psycopg's waiting and its generator, and watch how long nothing is ready."""
    ends_at = time.monotonic() + SILENCE_S
    try:
        wanted = next(gen)
        while True:
            # Nothing is ready each time that psycopg looks up from waiting, ten times a second.
            ready = yield wanted
            if ready:
                ends_at = time.monotonic() + SILENCE_S
            elif time.monotonic() > ends_at:
                raise _SilentServerError(f"the server accepted the call and has been silent for {SILENCE_S:g} s")
            wanted = gen.send(ready)
    except StopIteration as ended:
        return ended.value
