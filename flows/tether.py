"""Keeping a flow run's process tied to the `afssb serve` that started it, so that a kill -9 leaves nothing behind."""

from __future__ import annotations

import fcntl
import os
import select
import signal
from typing import Final

# Where the tie is: number of the serving process, and of the read end of a pipe that only it can write to.
SERVING: Final = "AFSSB_SERVING_PROCESS"


def offer_tie() -> None:
    """Let the flow runs that this process starts tie themselves to it."""
    # Both ends stay open until the process ends, however it ends; the kernel closes them then.
    read_end, _ = os.pipe()
    os.environ[SERVING] = f"{os.getpid()}:{read_end}"


def tie_to_server() -> None:
    """Let the kernel kill this process when the serving one is gone; without one, as under a worker, do nothing.

    A thread that looks after it would not run while the interpreter shuts down, and Prefect then waits for minutes
    for a server that is gone. Claims and leases of a killed process are taken back by whoever comes next.
    """
    serving = os.environ.get(SERVING)
    if not serving:
        return
    process, _, read_end = serving.partition(":")
    try:
        tie = os.open(f"/proc/{process}/fd/{read_end}", os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        os.kill(os.getpid(), signal.SIGKILL)
        return
    fcntl.fcntl(tie, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(tie, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(tie, fcntl.F_SETFL, fcntl.fcntl(tie, fcntl.F_GETFL) | os.O_ASYNC)
    poll = select.poll()
    poll.register(tie, select.POLLIN)
    if poll.poll(0):
        os.kill(os.getpid(), signal.SIGKILL)
