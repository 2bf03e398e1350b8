"""A tracking server that fails, is slow and loses its replies, under the mirror."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from faulty_proxy import Faults, FaultyProxy
from loop import LIMIT_S, Line, measured, opened
from mlflow import MlflowClient
from mlflow_server import MlflowServer

from afssb_opt.campaign_file import load_spec
from afssb_opt.domain.errors import StoreError
from afssb_opt.ledger import Ledger, NewTrial
from afssb_opt.tracking.mirror import Mirror

SPEC = {
    "name": "chaos",
    "space": {"x": {"low": 0, "high": 1e9}},
    "objectives": {"y": {"goal": "maximize"}},
    "evaluator": "lab",
    "budget": {"trials": 100_000},
}


# Half of a campaign's time under faults goes into the pauses of its client, so the pauses of four overlap.
CAMPAIGNS = 4


def http_faults(folder: Path, count: int) -> Line:
    """Sync the mirrors of some campaigns through one faulty proxy until it injected enough, then each once without."""
    with MlflowServer(folder) as server, FaultyProxy(server.port) as proxy, ThreadPoolExecutor(CAMPAIGNS) as threads:
        proxy.faults = Faults(error=0.2, lose=0.2, cut=0.1, slow=0.02, slow_s=0.5)
        ends_at = time.monotonic() + LIMIT_S
        futures = [
            threads.submit(_campaign_under_faults, proxy, folder / str(place), f"chaos {place}", count, ends_at)
            for place in range(CAMPAIGNS)
        ]
        mirrors = [future.result() for future in futures]
        n_faults, kinds = proxy.n_faults, dict(proxy.injected)
        proxy.faults = Faults()
        n_trials = lost = phantoms = 0
        for found in threads.map(lambda mirrored: _settled(proxy.url, *mirrored), mirrors):
            n_trials, lost, phantoms = n_trials + found[0], lost + found[1], phantoms + found[2]
    print(f"http: injected {kinds} into {proxy.n_requests} requests", flush=True)
    return Line(
        "MLflow over HTTP: 500s, lost, cut and slow replies",
        f"{n_faults} faults, {n_trials} trials",
        lost,
        phantoms,
        0,
        "8 of 8 lost replies became phantom runs",
    )


def _campaign_under_faults(
    proxy: FaultyProxy, folder: Path, name: str, count: int, ends_at: float
) -> tuple[Path, str, int]:
    """Propose, record and sync one trial after the other; return where, and how often the mirror held one up."""
    blocked = number = 0
    with opened(f"sqlite:///{folder / 'ledger.db'}", folder) as ledger:
        spec = load_spec({**SPEC, "name": name})
        record = ledger.register_campaign(spec.name, dict(spec.definition), spec.sha256)
        mirror = Mirror(spec, ledger, record, proxy.url)
        while proxy.n_faults < count and time.monotonic() < ends_at:
            lease = ledger.acquire_lease(record.uid)
            begun = time.monotonic()
            (trial,) = ledger.add_trials(lease, [NewTrial({"x": float(number)}, 1, "")])
            ledger.record_result(trial.uid, measured(trial.number))
            # The mirror is never asked: neither a proposal nor a result waits for it.
            blocked += time.monotonic() - begun > 30.0
            ledger.release_lease(lease)
            number += 1
            for _ in range(3):
                try:
                    mirror.sync(has_figures=False, has_report=False, deadline_s=60.0)
                    break
                except StoreError:
                    continue
    return folder, name, blocked


def _settled(url: str, folder: Path, name: str, blocked: int) -> tuple[int, int, int]:
    """Sync once more, as a new process would; count trials, what is lost or wrong, and runs of nothing."""
    with opened(f"sqlite:///{folder / 'ledger.db'}", folder) as ledger:
        spec = load_spec({**SPEC, "name": name})
        record = ledger.register_campaign(spec.name, dict(spec.definition), spec.sha256)
        mirror = Mirror(spec, ledger, record, url)
        mirror.sync(has_figures=False, has_report=False)
        n_trials = len(ledger.trials(record.uid))
        wrong, phantoms = _compared(url, mirror.experiment_id, ledger, record.uid)
        return n_trials, wrong + blocked + len(ledger.check()), phantoms


def _compared(url: str, experiment_id: str, ledger: Ledger, campaign_uid: str) -> tuple[int, int]:
    """Count trials that MLflow shows wrongly, and runs that stand for nothing."""
    client, token, runs = MlflowClient(tracking_uri=url), None, []
    while True:
        page = client.search_runs([experiment_id], max_results=1000, page_token=token)
        runs += list(page)
        token = page.token
        if not token:
            break
    trials = {trial.uid: trial for trial in ledger.trials(campaign_uid)}
    of_trials = [run for run in runs if run.data.tags.get("afssb.role") == "trial"]
    phantoms = len(runs) - len(trials) - 1
    right = sum(
        run.info.status == "FINISHED" and run.data.metrics.get("y") == trials[uid].result.outcomes["y"]
        for run in of_trials
        if (uid := run.data.tags.get("afssb.trial_uid")) in trials and trials[uid].result is not None
    )
    return len(trials) - right, phantoms
