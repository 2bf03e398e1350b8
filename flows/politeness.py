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


def politely(step: Callable[[], dict[str, Any]], *, is_patient: bool = False) -> State[Any]:
    """Return the state that a run of `step` ends in: `Busy` where another process is advancing the campaign.

    What the step returns is the result; its `said` is the line that people read in the UI and on the terminal.
    Only errors that say that trying again can help are tried again; every step may be repeated.

    Args:
        step: The work.
        is_patient: Try a busy campaign again too: for what a person asked for, which no later run would do.
    """
    pauses = list(PAUSES_S)
    while True:
        try:
            result = step()
            return Completed(message=result["said"], data=result)
        except AfssbError as error:
            is_final = not pauses or not error.is_retryable
            if isinstance(error, CampaignBusyError) and (is_final or not is_patient):
                return Completed(name=BUSY, message=f"{error}. Nothing was done; a later run goes on")
            if is_final:
                raise
            get_run_logger().warning("%s. Trying again in %g s", error, pauses[0])
            time.sleep(pauses.pop(0))
