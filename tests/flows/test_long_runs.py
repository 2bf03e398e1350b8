"""A flow run may last for thousands of trials: what it holds does not grow with them, counted in the real flow."""

import gc
import threading
from collections import Counter

import numpy as np
import pytest
from prefect.context import FlowRunContext

import flows.advance
from afssb_opt.ledger import NewTrial, TrialRecord


@pytest.mark.slow
@pytest.mark.servers
@pytest.mark.timeout(300)
def test_nothing_of_a_trial_or_its_task_is_held_for_longer_than_its_round(server, instant_campaign, monkeypatch):
    rng, held = np.random.default_rng(7), []

    def propose(campaign, lease, n):
        gc.collect()
        counts = Counter(kind for kind in map(type, gc.get_objects()) if kind in (TrialRecord, threading.Event))
        context = FlowRunContext.get()
        counts["notes"] = len(context.run_results) + len(context.task_run_assets)
        held.append(counts)
        return campaign.ledger.add_trials(lease, [NewTrial({"x": float(x)}, 1, "drawn", {}) for x in rng.random(n)])

    # The surrogate, the mirror (which has a test of its own) and the report take seconds.
    monkeypatch.setattr("afssb_opt.campaign.proposing.propose_trials", propose)
    monkeypatch.setattr(flows.advance.Window, "update", lambda window: [])
    monkeypatch.setattr(flows.advance, "_closing", lambda campaign, window, n_made, *_: {"said": "", "n_made": n_made})
    assert flows.advance.advance_until_stopped(instant_campaign(16))["n_made"] == 16
    assert len(held) == 4
    assert held[3][TrialRecord] <= 4, held
    # The mirror leaves one per round; the evaluations would leave four.
    assert held[3][threading.Event] - held[1][threading.Event] < 8, held
    assert held[3]["notes"] <= 8, held
