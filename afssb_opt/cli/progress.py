"""Live progress of a running campaign, read from the ledger, so that it shows what is recorded and nothing else."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.table import Table

from afssb_opt.campaign import Campaign
from afssb_opt.cli.output import heading, shown
from afssb_opt.domain.desirability import DESIRABILITY
from afssb_opt.domain.objectives import meets_constraints
from afssb_opt.domain.outcomes import in_a_sentence
from afssb_opt.domain.trials import TrialState
from afssb_opt.ledger import Ledger, TrialRecord

REFRESH_SECONDS = 0.5


@contextmanager
def live_progress(campaign: Campaign, console: Console, *, is_quiet: bool) -> Iterator[None]:
    """Show a live table on a terminal, one line per round elsewhere, nothing when quiet."""
    if is_quiet:
        yield
        return
    with Ledger.open(campaign.ledger.url) as ledger:
        view = _View(campaign, ledger)
        if console.is_terminal:
            with Live(get_renderable=view.table, console=console, refresh_per_second=1 / REFRESH_SECONDS):
                yield
            return
        is_done = threading.Event()
        printer = threading.Thread(target=view.print_rounds, args=(console, is_done), daemon=True)
        printer.start()
        try:
            yield
        finally:
            is_done.set()
            printer.join()


class _View:
    """What is known of the campaign at a moment, and how fast it went since the run began."""

    def __init__(self, campaign: Campaign, ledger: Ledger) -> None:
        self._campaign = campaign
        self._ledger = ledger
        self._started = time.monotonic()
        self._n_at_start = _n_ended(ledger.trials(campaign.uid))

    def table(self) -> Table:
        """Return the live table."""
        trials = self._ledger.trials(self._campaign.uid)
        table = Table.grid(padding=(0, 2))
        table.add_row("Round", str(max((trial.round for trial in trials), default=0)), self._activity(trials))
        table.add_row("Trials", f"{_n_ended(trials)} of {self._campaign.spec.budget.trials}", self._time_left(trials))
        for name, best in self._best().items():
            table.add_row(heading(name), best, "best so far")
        return table

    def print_rounds(self, console: Console, is_done: threading.Event) -> None:
        """Print one line for each round that has ended, until `is_done`."""
        printed = _last_complete_round(self._ledger.trials(self._campaign.uid))
        while True:
            is_last = is_done.wait(REFRESH_SECONDS)
            trials = self._ledger.trials(self._campaign.uid)
            complete = _last_complete_round(trials)
            if complete > printed:
                printed = complete
                best = ", ".join(in_a_sentence(name, value) for name, value in self._best().items())
                console.print(
                    f"round {complete}: {_n_ended(trials)} of {self._campaign.spec.budget.trials} trials, "
                    f"best so far: {best or 'none meets all constraints'}",
                    soft_wrap=True,
                )
            if is_last:
                return

    def _activity(self, trials: list[TrialRecord]) -> str:
        states = Counter(trial.state for trial in trials)
        if states[TrialState.CLAIMED]:
            return f"evaluating {states[TrialState.CLAIMED]}"
        if states[TrialState.PROPOSED]:
            return f"{states[TrialState.PROPOSED]} waiting"
        return "proposing" if len(trials) < self._campaign.spec.budget.trials else "finishing"

    def _time_left(self, trials: list[TrialRecord]) -> str:
        n_done = _n_ended(trials) - self._n_at_start
        elapsed = time.monotonic() - self._started
        if n_done < 1:
            return f"{elapsed:.0f} s"
        n_left = max(self._campaign.spec.budget.trials - _n_ended(trials), 0)
        return f"{elapsed:.0f} s, about {elapsed / n_done * n_left:.0f} s left"

    def _best(self) -> dict[str, str]:
        """Return the best value of each objective among cells that meet all constraints, or those of the best cell."""
        spec = self._campaign.spec
        observations = spec.scored(self._ledger.observations(self._campaign.uid))
        meeting = observations[meets_constraints(spec.constraints, observations)] if len(observations) else observations
        if spec.desirability is not None and len(meeting):
            meeting = meeting[meeting[DESIRABILITY] == meeting[DESIRABILITY].max()].head(1)
        best = {}
        for objective in spec.shown_objectives:
            if objective.outcome not in meeting or meeting[objective.outcome].notna().sum() == 0:
                continue
            values = meeting[objective.outcome].to_numpy(float)
            row = int(np.nanargmax(objective.maximised(values)))
            flag = f"{objective.outcome}_censored"
            best[objective.outcome] = shown(
                float(values[row]), is_censored=flag in meeting and bool(meeting[flag].iloc[row])
            )
        return best


def _n_ended(trials: list[TrialRecord]) -> int:
    return sum(trial.ended_at is not None for trial in trials)


def _last_complete_round(trials: list[TrialRecord]) -> int:
    """Return the newest round before which, and in which, no trial is open."""
    first_open = min((trial.round for trial in trials if trial.ended_at is None), default=None)
    return max((trial.round for trial in trials), default=0) if first_open is None else first_open - 1
