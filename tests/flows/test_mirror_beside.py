"""The mirror works beside a campaign: a resumed run heeds reviewers at once and waits for no comparison of all runs."""

import threading

import pytest
from mlflow import MlflowClient

import flows.advance
from afssb_opt import Campaign
from afssb_opt.ledger import NewTrial
from afssb_opt.tracking import mirror
from afssb_opt.tracking.stores import resolve_tracking


@pytest.mark.slow
@pytest.mark.servers
@pytest.mark.timeout(300)
def test_a_resumed_run_heeds_reviewers_and_proposes_before_all_runs_are_compared(server, instant_campaign, monkeypatch):
    file = instant_campaign(8)
    may_scan, excluded, scan = threading.Event(), [], mirror.scan_runs
    may_scan.set()

    def propose(campaign, lease, n):
        excluded.append([trial.label for trial in campaign.trials() if trial.is_excluded])
        may_scan.set()
        return campaign.ledger.add_trials(
            lease, [NewTrial({"x": (len(excluded) + k / 10) / 9}, 1, "drawn", {}) for k in range(n)]
        )

    def slow_scan(*given, **named):
        assert may_scan.wait(60), "the run waits for the comparison of all runs before it proposes"
        return scan(*given, **named)

    def show(campaign, window, *_):
        return {"said": "", "warnings": window.update()}

    # The surrogate and the report take seconds.
    monkeypatch.setattr("afssb_opt.campaign.proposing.propose_trials", propose)
    monkeypatch.setattr(flows.advance, "_closing", show)
    monkeypatch.setattr(mirror, "scan_runs", slow_scan)
    flows.advance.advance_until_stopped(file, 4)

    with Campaign.load(file) as campaign:
        client = MlflowClient(resolve_tracking(campaign.stores.folder).uri)
        experiment = client.get_experiment_by_name("instant")
        label = campaign.trials()[1].label
        (run,) = client.search_runs([experiment.experiment_id], f"tags.`afssb.label` = '{label}'")
        client.set_tag(run.info.run_id, "afssb.review", "exclude")
        may_scan.clear()
        assert flows.advance.advance_until_stopped(file)["warnings"] == []

        assert excluded == [[], [label]]
        assert client.get_run(run.info.run_id).data.tags["afssb.review_seen"] == "exclude"
        assert len(client.search_runs([experiment.experiment_id], "tags.`afssb.role` = 'trial'")) == 8
        assert campaign.standing().n_trials == 8
