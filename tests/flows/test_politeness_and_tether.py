"""What a flow run does when its campaign is busy, when a store is away for a moment, and when its server dies."""

import os
import subprocess
import sys

import psutil
import pytest
from prefect.logging import disable_run_logger

from afssb_opt.domain.errors import CampaignBusyError, StoreError, StoreUnavailableError
from flows import politeness
from flows.politeness import politely
from flows.tether import SERVING

PARENT = """
import subprocess, sys
from flows.tether import offer_tie
offer_tie()
child = subprocess.Popen([sys.executable, "-c", "from flows.tether import tie_to_server; tie_to_server(); "
                          "print('tied', flush=True); import time; time.sleep(60)"], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(politeness, "PAUSES_S", (0.0, 0.0))


class Step:
    """Fails with the given errors one after another, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.n_calls = 0

    def __call__(self):
        self.n_calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return {"said": "all is well", "n": 1}


def ended(step, **how):
    with disable_run_logger():
        return politely(step, **how)


def test_a_busy_campaign_ends_the_run_without_failure_and_says_by_whom():
    state = ended(Step(CampaignBusyError("process 7 on bench has it")))
    assert state.is_completed()
    assert state.name == "Busy"
    assert "process 7" in state.message


def test_what_a_person_asked_for_waits_for_its_turn_and_not_for_ever():
    step = Step(CampaignBusyError("process 7 on bench has it"))
    assert ended(step, is_patient=True).name == "Completed"
    step = Step(*[CampaignBusyError("process 7 on bench has it")] * 5)
    assert ended(step, is_patient=True).name == "Busy"
    assert step.n_calls == 3


def test_the_result_and_its_line_reach_the_state():
    state = ended(Step())
    assert state.message == "all is well"
    assert state.result() == {"said": "all is well", "n": 1}


def test_only_errors_that_say_so_are_tried_again_and_not_for_ever():
    step = Step(StoreUnavailableError("restarting"), StoreUnavailableError("still"))
    assert ended(step).is_completed()
    assert step.n_calls == 3
    step = Step(*[StoreUnavailableError("down")] * 5)
    with pytest.raises(StoreUnavailableError):
        ended(step)
    assert step.n_calls == 3
    step = Step(StoreError("foreign file"))
    with pytest.raises(StoreError):
        ended(step)
    assert step.n_calls == 1


def test_a_flow_run_leaves_when_the_process_that_serves_it_is_killed():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    _, left = psutil.wait_procs([child], 10)
    assert left == []


def test_a_flow_run_that_nobody_serves_is_tied_to_nothing():
    environment = {name: value for name, value in os.environ.items() if name != SERVING}
    code = "from flows.tether import tie_to_server; tie_to_server(); print('alive')"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "alive", done.stderr
