"""What reads foreign files in a child process: an upper limit of memory, and plain data to a folder."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path
from typing import Final

from afssb_opt.lab.content_store import write_content
from afssb_opt.lab.reading import read_file

# Address space, which arrow and polars reserve generously; the parent watches the memory really used.
MAX_ADDRESS_BYTES: Final = 16_000_000_000


def open_worker(_settings: None) -> Callable[[dict[str, str]], None]:
    """Limit the memory and return what reads one file into a folder."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = MAX_ADDRESS_BYTES if hard == resource.RLIM_INFINITY else min(hard, MAX_ADDRESS_BYTES)
    resource.setrlimit(resource.RLIMIT_AS, (limit if soft == resource.RLIM_INFINITY else min(soft, limit), hard))
    return lambda request: write_content(read_file(Path(request["path"])), Path(request["folder"]))
