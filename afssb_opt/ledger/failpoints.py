"""Where a test may make the process die, fail or hang: `AFSSB_FAILPOINT=name:nth:kill|raise|hang`."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from typing import Final

from afssb_opt.domain.errors import AfssbError, StoreError

VARIABLE: Final = "AFSSB_FAILPOINT"
# Every name that `reach` is called with in this package, in the order of the steps.
LEDGER_POINTS: Final = (
    "ledger.create.written",
    "ledger.create.linked",
    "ledger.write.begun",
    "ledger.table.attached",
    "ledger.event.appended",
    "ledger.trial.saved",
    "ledger.write.committing",
    "ledger.write.committed",
)
OUTBOX_POINTS: Final = ("outbox.written", "outbox.kept", "outbox.recorded")

_reached: Counter[str] = Counter()


class FailpointError(AfssbError):
    """A test asked for a failure at this step."""


def reach(name: str) -> None:
    """Fail here if the environment asks for it; otherwise do nothing.

    Raises:
        FailpointError: The environment says `raise`.
        StoreError: The environment says something else than `name:nth:kill|raise|hang`.
    """
    setting = os.environ.get(VARIABLE)
    if setting is None:
        return
    wanted, nth, action = _parsed(setting)
    if wanted != name:
        return
    _reached[name] += 1
    if _reached[name] != nth:
        return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if action == "raise":
        raise FailpointError(f"{VARIABLE}={setting} asked for a failure here; unset it to go on")
    while True:
        time.sleep(3600.0)


def _parsed(setting: str) -> tuple[str, int, str]:
    name, _, rest = setting.partition(":")
    nth, _, action = rest.partition(":")
    if name not in LEDGER_POINTS + OUTBOX_POINTS or not nth.isdigit() or action not in {"kill", "raise", "hang"}:
        allowed = ", ".join(LEDGER_POINTS + OUTBOX_POINTS)
        raise StoreError(
            f"{VARIABLE}='{setting}' is not name:nth:kill|raise|hang. Names: {allowed}. Unset it outside of tests"
        )
    return name, int(nth), action
