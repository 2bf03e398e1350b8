"""How Python's garbage collector is kept from stopping all threads of a flow run for a second now and then."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def imports_set_aside() -> Iterator[Callable[[], None]]:
    """Yield what to call once all is imported: the collector then leaves alone what is there, until the block ends.

    Torch, MLflow and Prefect are 700,000 objects that stay. A full collection walks over all of them, a third of a
    second of processor time, and no other thread goes on, not even one that holds the ledger's lock. And as it
    comes only once a quarter of them is there anew, what Prefect and MLflow leave to it piles up until then.
    """
    is_done = False

    def set_aside() -> None:
        nonlocal is_done
        if not is_done:
            gc.collect()
            gc.freeze()
            is_done = True

    try:
        yield set_aside
    finally:
        if is_done:
            gc.unfreeze()
