"""How a result that is handed in gets onto a disk whatever happens: into the ledger, or else into the outbox."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection

from afssb_opt.domain.errors import InputError, StaleLeaseError, StoreError, StoreUnavailableError
from afssb_opt.ledger.errors import LedgerFaultError, MoveError, UnknownTrialError
from afssb_opt.ledger.outbox import Outbox
from afssb_opt.ledger.records import Recorded

if TYPE_CHECKING:
    from afssb_opt.ledger.ledger import Ledger

# A result that other writers keep waiting for longer than this goes to the outbox before it waits on. Under load that
# happens among the threads of one process: a full garbage collection alone can keep the writer at work from going on.
PATIENCE_S: Final = 0.25
# Answers of a ledger that works: handing in the same again would change nothing.
_REFUSALS: Final = (InputError, MoveError, UnknownTrialError, StaleLeaseError)

log = logging.getLogger(__name__)


def record_safely(
    ledger: Ledger, write: Callable[[Connection], Recorded], keep: Callable[[Outbox], Path]
) -> Recorded:  # fmt: skip
    """Write a result in one transaction; where that fails, put it into the outbox before anything else is done.

    Args:
        ledger: The store; without an outbox a failure is only raised.
        write: Records the result in a transaction.
        keep: Puts it into the outbox.

    Returns:
        What became of it; `WAITING` where the store does not answer.

    Raises:
        AfssbError: The ledger answered and refused the result; it is not kept.
        StoreError: It was kept, and refused when it was handed in from there.
        BaseException: What else went wrong, a signal for instance, after the result was kept.
    """
    if ledger.outbox is None:
        with ledger.writing() as connection:
            return write(connection)
    try:
        # What came earlier goes in first: the order can decide what stands. This one is on no disk yet.
        ledger.deliver(PATIENCE_S)
        with ledger.writing(PATIENCE_S) as connection:
            return write(connection)
    except _REFUSALS:
        raise
    except BaseException as error:
        path = keep(ledger.outbox)
        if not isinstance(error, StoreUnavailableError | LedgerFaultError):
            ledger.outbox.leave(path)
            raise
    try:
        delivery = ledger.outbox.deliver(ledger)
    except BaseException as error:
        ledger.outbox.leave(path)
        if not isinstance(error, StoreUnavailableError | LedgerFaultError):
            raise
        log.warning("a result is safe in %s and waits there: %s", path, error)
        return Recorded.WAITING
    for problem in delivery.problems:
        if Path(problem.where).stem == path.stem:
            raise StoreError(str(problem))
    # One that another process handed in meanwhile is known too.
    return delivery.recorded.get(path.name, Recorded.ALREADY_KNOWN)
