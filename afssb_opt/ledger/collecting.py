"""How reading many rows keeps Python's garbage collector from walking over what was read, again and again."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# Who is inside at the moment; the collector is the process's, and threads may read side by side.
_LOCK: Final = threading.Lock()
_INSIDE: Final[list[bool]] = []


@contextmanager
def without_collector() -> Iterator[None]:
    """Put the garbage collector off while records are made, none of which is garbage or refers back to another.

    It would walk over all of them whenever their number has grown by a quarter: a third of the time of reading a
    hundred thousand trials. What other threads leave to it meanwhile waits for these seconds.
    """
    with _LOCK:
        _INSIDE.append(gc.isenabled() if not _INSIDE else _INSIDE[0])
        gc.disable()
    try:
        yield
    finally:
        with _LOCK:
            was_enabled = _INSIDE.pop()
            if not _INSIDE and was_enabled:
                gc.enable()
