"""The child process that opens foreign files: it can be killed, has an upper limit of memory, and writes plain data."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Final

# Address space, which arrow and polars reserve generously; the parent watches the memory really used.
MAX_ADDRESS_BYTES: Final = 16_000_000_000


def main() -> None:
    """Read the files named on standard input, one JSON list of paths, into numbered folders; print each number."""
    folder = Path(sys.argv[1])
    paths = [Path(name) for name in json.loads(sys.stdin.read())]
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = MAX_ADDRESS_BYTES if hard == resource.RLIM_INFINITY else min(hard, MAX_ADDRESS_BYTES)
    resource.setrlimit(resource.RLIMIT_AS, (limit if soft == resource.RLIM_INFINITY else min(soft, limit), hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from afssb_opt.lab.content_store import write_content
    from afssb_opt.lab.reading import read_file

    report = sys.stdout
    # Readers of foreign formats print; the report to the parent must stay clean.
    sys.stdout = sys.stderr
    for number, path in enumerate(paths):
        target = folder / str(number)
        target.mkdir()
        write_content(read_file(path), target)
        report.write(f"{number}\n")
        report.flush()


if __name__ == "__main__":
    main()
