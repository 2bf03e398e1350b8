"""How a flow run ends when another process has the campaign, and which errors are tried again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed

from afssb_opt.domain.errors import AfssbError, CampaignBusyError

# A restarting database is back within seconds; one that is down for longer is a matter for the next run.
PAUSES_S: Final = (3.0, 20.0)
# Name of the state of a run that found its campaign busy: nothing failed, and the next run does the work.
BUSY: Final = "Busy"


def politely(step: Callable[[], dict[str, Any]]) -> State[Any]:
    """Return the state that a run of `step` ends in: `Busy` where another process is advancing the campaign.

    What the step returns is the result; its `said` is the line that people read in the UI and on the terminal.
    Only errors that say that trying again can help are tried again; every step may be repeated.
    """
    for pause in PAUSES_S:
        try:
            return _unless_busy(step)
        except AfssbError as error:
            if not error.is_retryable:
                raise
            get_run_logger().warning("%s. Trying again in %g s", error, pause)
            time.sleep(pause)
    return _unless_busy(step)


def _unless_busy(step: Callable[[], dict[str, Any]]) -> State[Any]:
    try:
        result = step()
        return Completed(message=result["said"], data=result)
    except CampaignBusyError as busy:
        return Completed(name=BUSY, message=f"{busy}. Nothing was done; a later run goes on")
