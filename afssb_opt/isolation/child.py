"""The child's side: tied to its parent, it sets one worker up and answers requests until the parent is gone.

Run as `python child.py TIE module:function`. One JSON document per line: settings first, then
requests, on what was standard input; one answer each on what was standard output. Whatever the worker prints goes to
the log that the parent gave as standard error.
"""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import resource
import select
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Any

Worker = Callable[[Any], Any]


def main() -> None:
    """Serve one worker until the parent closes the requests."""
    _tie_to_parent(int(sys.argv[1]))
    requests, answers = _take_pipes()
    # The package of the parent, also where it runs from a folder rather than installed.
    sys.path.append(str(Path(__file__).parents[2]))
    from afssb_opt.domain.errors import AfssbError

    module_name, _, function_name = sys.argv[2].partition(":")
    worker: Worker | None = None
    for line in requests:
        try:
            if worker is None:
                worker = getattr(importlib.import_module(module_name), function_name)(json.loads(line))
                answer: dict[str, Any] = {"answer": None}
            else:
                answer = {"answer": worker(json.loads(line))}
            text = json.dumps(answer)
        except AfssbError as error:
            text = json.dumps({"refused": str(error)})
        except BaseException as error:  # foreign code may raise anything, SystemExit included; the parent is told
            # Without the frame of this file, which tells the user nothing.
            trace = error.__traceback__
            traceback.print_exception(type(error), error, trace.tb_next if trace else None)
            text = json.dumps({"raised": f"{type(error).__name__}: {error}"})
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        answers.write(text + "\n")
        answers.flush()


def _tie_to_parent(tie: int) -> None:
    """Let the kernel kill this process group when the parent's end of the pipe closes, however the parent dies.

    A thread that waits for the end would not run while foreign code holds the interpreter's lock, and PDEATHSIG
    follows the thread that started the child rather than the process.
    """
    fcntl.fcntl(tie, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(tie, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(tie, fcntl.F_SETFL, fcntl.fcntl(tie, fcntl.F_GETFL) | os.O_ASYNC)
    poll = select.poll()
    poll.register(tie, select.POLLIN)
    if poll.poll(0):
        raise SystemExit("the parent is gone already")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # When memory runs out the kernel ends the process with the highest score: this one, not the campaign.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def _take_pipes() -> tuple[TextIOWrapper, TextIOWrapper]:
    """Move the pipes away from 0 and 1, so that foreign code neither reads requests nor writes answers."""
    requests, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  a descriptor, open while we live
    return open(requests, encoding="utf-8"), open(answers, "w", encoding="utf-8")  # noqa: PTH123


if __name__ == "__main__":
    main()
