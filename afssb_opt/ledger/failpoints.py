"""Where a test may make the process die, fail or hang: `AFSSB_FAILPOINT=name:nth:kill|raise|hang`."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from typing import Final

from afssb_opt.domain.errors import AfssbError, StoreError

VARIABLE: Final = "AFSSB_FAILPOINT"
# Every name that `reach` is called with, in the order of the steps.
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
UPGRADE_POINTS: Final = ("copy.written", "upgrade.copied", "upgrade.rehearsed", "upgrade.changed", "upgrade.done")
# Steps of the layers above, which call `reach` too.
PROPOSE_POINTS: Final = ("propose.asked", "propose.registered")
EVALUATE_POINTS: Final = ("evaluate.claimed", "evaluate.measured", "evaluate.recorded")
INGEST_POINTS: Final = ("ingest.planned", "ingest.recorded", "ingest.copied", "ingest.noted", "ingest.held")
MIRROR_POINTS: Final = (
    "mirror.opened",
    "mirror.created",
    "mirror.status",
    "mirror.files",
    "mirror.logged",
    "mirror.trials",
    "mirror.campaign",
    "mirror.reviewed",
)
ALL_POINTS: Final = (
    *LEDGER_POINTS,
    *OUTBOX_POINTS,
    *UPGRADE_POINTS,
    *PROPOSE_POINTS,
    *EVALUATE_POINTS,
    *INGEST_POINTS,
    *MIRROR_POINTS,
)

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
    # A test that waits for a hang learns from this line that it may act.
    sys.stderr.write(f"failpoint {setting} reached\n")
    sys.stderr.flush()
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if action == "raise":
        raise FailpointError(f"{VARIABLE}={setting} asked for a failure here; unset it to go on")
    while True:
        time.sleep(3600.0)


def _parsed(setting: str) -> tuple[str, int, str]:
    name, _, rest = setting.partition(":")
    nth, _, action = rest.partition(":")
    if name not in ALL_POINTS or not nth.isdigit() or action not in {"kill", "raise", "hang"}:
        allowed = ", ".join(ALL_POINTS)
        raise StoreError(
            f"{VARIABLE}='{setting}' is not name:nth:kill|raise|hang. Names: {allowed}. Unset it outside of tests"
        )
    return name, int(nth), action
