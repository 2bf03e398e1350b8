"""Does a team lose anything when a part of its stack is killed? Runs a campaign through a deployment and counts.

`python experiments/team_stack/restarts.py` kills worker, MLflow, Prefect and PostgreSQL (`SIGKILL`) in the middle of
a campaign, starts each again, and prints what the ledger and MLflow hold afterwards. `--parts worker --trials 6` is
the short version of the tests. `--installed`, as root on a server set up after `docs/team-server.md` that nobody uses
yet, kills systemd's units instead and leaves it to systemd to start them again.
"""

from __future__ import annotations

import argparse
import base64
import json
import secrets
import signal
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from pathlib import Path

from installed import InstalledStack
from stack import TeamStack, wait_until

from afssb_opt.domain.errors import AfssbError
from afssb_opt.domain.trials import TrialState
from afssb_opt.ledger import Ledger, TrialRecord

CAMPAIGN = """
name: {name}
space:
  x: {{low: 0, high: 1}}
  kind: {{levels: [a, b, c]}}
objectives: {{y: {{goal: maximize}}}}
evaluator: {{python: "slow_plant:measure"}}
batch_size: 4
initial_trials: {trials}
budget: {{trials: {trials}}}
"""

# Notes each evaluation before it answers, and answers no more of them than the file `gate` allows, so that trials are
# being evaluated whenever a part is killed, however slow everything else is.
PLANT = """
import pathlib, time
import pandas as pd
here = pathlib.Path(__file__).parent
def measure(designs, protocol):
    with open(here / "plant.log", "a") as log:
        log.write(repr(float(designs["x"].iloc[0])) + "\\n")
    number = len((here / "plant.log").read_text().split())
    while number > int((here / "gate").read_text() or 0):
        time.sleep(0.2)
    return pd.DataFrame({"y": designs["x"] ** 2})
"""

# A run that is asked for while another works ends at once as busy, so asking too often is harmless.
ASK_AGAIN_S = 25.0
# A campaign of a few trials takes a minute or two; anything longer is a campaign that stands still.
PATIENCE_S = 600.0


class TeamCampaign:
    """A campaign of the team: its file on the server, its deployment, and what the ledger holds of it."""

    def __init__(self, stack: TeamStack | InstalledStack, n_trials: int) -> None:
        """Write the campaign and its evaluator, allow its code, and register its deployments."""
        self.stack = stack
        self.n_trials = n_trials
        # An installed server may have run this before.
        self.name = f"team-{secrets.token_hex(3)}"
        self.path = stack.folder / "team.yaml"
        self.path.write_text(CAMPAIGN.format(name=self.name, trials=n_trials))
        (stack.folder / "slow_plant.py").write_text(PLANT)
        self.allow(1)
        stack.hand_over()
        names = {"AFSSB_CAMPAIGN": str(self.path), "AFSSB_NAME": self.name, "AFSSB_POOL": "afssb"}
        stack.worker |= names
        stack.command("afssb", "trust", str(self.path), "--yes")
        stack.command("prefect", "--no-prompt", "deploy", "--all", "--prefect-file", "flows/prefect.yaml")
        self.asked_at = 0.0

    def allow(self, n_evaluations: int) -> None:
        """Let so many evaluations be answered, those of killed runs included."""
        (self.stack.folder / "gate").write_text(str(n_evaluations))

    def n_begun(self) -> int:
        """Return how many evaluations were begun, in runs that were killed too."""
        log = self.stack.folder / "plant.log"
        return len(log.read_text().split()) if log.exists() else 0

    def ask(self) -> None:
        """Ask for a run of the deployment, as its schedule does every half hour."""
        if time.monotonic() - self.asked_at > ASK_AGAIN_S:
            self.asked_at = time.monotonic()
            try:
                self.stack.command("prefect", "deployment", "run", f"advance-campaign/{self.name}")
            except RuntimeError as error:
                print(f"  Prefect did not take the request: {str(error).strip()[-200:]}", file=sys.stderr)

    def trials(self) -> list[TrialRecord]:
        """Return the trials, none where the ledger does not answer or was not made yet."""
        try:
            with Ledger.open(self.stack.worker["AFSSB_LEDGER_URL"]) as ledger:
                record = ledger.campaign(self.name)
                return ledger.trials(record.uid) if record else []
        except AfssbError:
            return []

    def is_evaluating(self) -> bool:
        """Whether a trial is being evaluated; asks for a run, because the last one may have ended."""
        self.ask()
        return any(trial.state is TrialState.CLAIMED for trial in self.trials())

    def n_done(self) -> int:
        """Return how many trials are completed."""
        return sum(trial.state is TrialState.COMPLETED for trial in self.trials())

    def wait_for(self, n_done: int) -> None:
        """Wait until so many trials are completed, asking for a run from time to time."""

        def is_there() -> bool:
            self.ask()
            return self.n_done() >= n_done

        wait_until(
            is_there, PATIENCE_S, f"only {self.n_done()} of {n_done} trials were completed in {PATIENCE_S:.0f} s"
        )

    def counts(self) -> dict[str, object]:
        """Return what is held where."""
        trials = self.trials()
        with Ledger.open(self.stack.worker["AFSSB_LEDGER_URL"]) as ledger:
            events = Counter(e.trial_uid for e in ledger.events(trials[0].campaign_uid) if e.kind == "result")
            problems = [str(problem) for problem in ledger.check()]
        return {
            "trials wanted": self.n_trials,
            "trials in the ledger": len(trials),
            "completed": self.n_done(),
            "results recorded twice": sum(count > 1 for count in events.values()),
            "designs proposed twice": len(trials) - len({(t.design["x"], t.design["kind"]) for t in trials}),
            "attempts beyond the first": sum(trial.attempts - 1 for trial in trials),
            "evaluations begun": self.n_begun(),
            "problems of the ledger": problems,
            "trial runs in MLflow": self.n_mlflow_runs(),
        }

    def n_mlflow_runs(self) -> int:
        """Return how many runs of trials MLflow shows; a run made twice would count twice."""
        credentials = f"afssb:{self.stack.worker['MLFLOW_TRACKING_PASSWORD']}".encode()
        headers = {
            "Authorization": f"Basic {base64.b64encode(credentials).decode()}",
            "Content-Type": "application/json",
        }

        def post(path: str, body: dict[str, object]) -> dict[str, list[dict[str, str]]]:
            request = urllib.request.Request(  # noqa: S310  our own loopback address
                f"{self.stack.mlflow_url}/api/2.0/mlflow/{path}", json.dumps(body).encode(), headers
            )
            with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310
                answer: dict[str, list[dict[str, str]]] = json.load(reply)
                return answer

        named = {"max_results": 10, "filter": f"name = '{self.name}'"}
        found = post("experiments/search", named).get("experiments", [])
        wanted = {"experiment_ids": [e["experiment_id"] for e in found], "filter": "tags.`afssb.role` = 'trial'"}
        return len(post("runs/search", {**wanted, "max_results": 1000}).get("runs", [])) if found else 0


def kill_each(campaign: TeamCampaign, parts: list[str]) -> int:
    """Kill each part while trials are being evaluated, start it again, and return how often some were."""
    n_in_the_middle = 0
    campaign.stack.start_part("worker")
    for n_kills, part in enumerate(parts):
        campaign.wait_for(1 + n_kills * (campaign.n_trials // (len(parts) + 1)))
        wait_until(campaign.is_evaluating, PATIENCE_S, "no trial is being evaluated")
        print(f"killing {part} with {campaign.n_done()} of {campaign.n_trials} trials completed", file=sys.stderr)
        n_in_the_middle += campaign.is_evaluating()
        campaign.stack.kill_part(part)
        killed_at = time.monotonic()
        # Results that come while the part is away: as many as are left until the next kill.
        campaign.allow(campaign.n_begun() + 1 + campaign.n_trials // (len(parts) + 1))
        time.sleep(3)
        campaign.stack.start_part(part)
        if part in ("prefect", "mlflow"):
            campaign.stack.wait_for(part)
        print(f"  {part} is back after {time.monotonic() - killed_at:.0f} s", file=sys.stderr)
        campaign.asked_at = 0.0
    campaign.allow(sys.maxsize)
    campaign.wait_for(campaign.n_trials)
    return n_in_the_middle


def all_shown(campaign: TeamCampaign) -> bool:
    """Whether MLflow shows every trial; asks for a run, because the last one may have died before its mirror."""
    campaign.ask()
    return campaign.n_mlflow_runs() == campaign.n_trials


def leave(*_: object) -> None:
    """Leave through every `finally`, so that no server is left behind; a second signal must not cut that short."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(143)


def run(stack: TeamStack | InstalledStack, n_trials: int, parts: list[str]) -> dict[str, object]:
    """Run a campaign, kill the parts, and return what was counted."""
    try:
        stack.start()
        campaign = TeamCampaign(stack, n_trials)
        n_in_the_middle = kill_each(campaign, parts)
        wait_until(lambda: all_shown(campaign), PATIENCE_S, "MLflow does not show every trial")
        return {"parts killed": parts, "killed while evaluating": n_in_the_middle, **campaign.counts()}
    finally:
        stack.stop()


def main() -> None:
    """Run and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", default=["worker", "mlflow", "prefect", "postgresql"])
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--installed", action="store_true", help="kill the units of this machine; needs root")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, leave)
    if given.installed:
        counts = run(InstalledStack(), given.trials, given.parts)
    else:
        with tempfile.TemporaryDirectory(prefix="afssb-team-", ignore_cleanup_errors=True) as folder:
            counts = run(TeamStack(Path(folder)), given.trials, given.parts)
    print(json.dumps(counts) if given.json else "\n".join(f"{name:28s} {value}" for name, value in counts.items()))


if __name__ == "__main__":
    main()
