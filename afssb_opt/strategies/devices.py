"""Where the models compute: on the processor or an accelerator, and with how many threads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Final

import torch

from afssb_opt.domain.errors import StrategyError

CPU: Final = torch.device("cpu")
# Where the models of campaigns compute is a matter of the machine, so no campaign file says it.
DEVICE_VARIABLE: Final = "AFSSB_DEVICE"


def device_of_machine() -> str:
    """Return the name of the device that campaigns compute on here."""
    return os.environ.get(DEVICE_VARIABLE) or "cpu"


def read_device(name: str) -> torch.device:
    """Return the device of that name, such as `cpu`, `cuda` or `cuda:1`, once it has computed in double precision.

    Raises:
        StrategyError: There is no such device here, or it has no double precision.
    """
    try:
        device = torch.device(name)
        torch.ones(1, dtype=torch.float64, device=device).sum().item()
    except (RuntimeError, AssertionError, TypeError, NotImplementedError) as error:
        there = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
        first_line = str(error).partition("\n")[0]
        raise StrategyError(
            f"cannot compute on the device {name!r} ({first_line}); it must be one that torch {torch.__version__} "
            f"finds and that has double precision. Here are: {', '.join(['cpu', *there])}. A campaign takes it from "
            f"{DEVICE_VARIABLE}"
        ) from error
    return device


@contextmanager
def computing_on(device: torch.device) -> Iterator[None]:
    """Create tensors on the device, and run torch on one thread.

    More threads only wait for each other in matrices of this size.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        # The processor is where tensors are created anyway; saying so would cost time at each of them.
        with nullcontext() if device == CPU else device:
            yield
    finally:
        torch.set_num_threads(before)
