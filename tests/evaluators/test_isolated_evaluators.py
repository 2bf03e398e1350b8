from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from afssb_opt.campaign_file import load_spec
from afssb_opt.domain.errors import EvaluationError
from afssb_opt.domain.trials import TrialFailure, TrialResult
from afssb_opt.evaluators import make_evaluator, open_evaluator

HERE = Path(__file__).parent


def spec(target: str = "misbehaving:evaluate", folder: Path = HERE, **limits: float):
    return load_spec(
        {
            "name": "a",
            "space": {"how": {"levels": ["well", "raises"]}},
            "objectives": {"y": {"goal": "maximize"}},
            "evaluator": {"python": target, **limits},
            "budget": {"trials": 1},
        },
        folder=str(folder),
    )


def is_running(pid: int) -> bool:
    """Whether the process exists and is not a zombie that its new parent has yet to collect."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_whatever_foreign_code_does_fails_one_trial_with_its_reason_and_the_next_is_evaluated():
    expected = {
        "raises": ["raised RuntimeError: no licence", "looking for the licence", "misbehaving.py"],
        "exits": ["raised SystemExit: 3"],
        "exits at once": ["exit code 4"],
        "segfaults": ["SIGSEGV"],
        "is killed": ["SIGKILL", "out of memory?"],
        "hangs": ["took more than 2 s"],
    }
    with open_evaluator(spec(timeout_min=2 / 60)) as evaluator:
        for how, words in expected.items():
            failure = evaluator.evaluate({"how": how}).result
            assert isinstance(failure, TrialFailure)
            assert failure.kind == "equipment"
            assert not [word for word in words if word not in failure.reason], failure.reason
        assert isinstance(evaluator.evaluate({"how": "well"}).result, TrialResult)


def test_memory_and_prints_without_end_are_stopped():
    with open_evaluator(spec(timeout_min=1 / 60, memory_gb=0.3)) as evaluator:
        assert "more than 0.3 GB" in evaluator.evaluate({"how": "eats memory"}).result.reason
        assert "took more than 1 s" in evaluator.evaluate({"how": "prints much"}).result.reason


def test_foreign_code_cannot_forge_an_answer_or_read_requests():
    with open_evaluator(spec()) as evaluator:
        assert evaluator.evaluate({"how": "talks"}).result == TrialResult({"y": 1.0})


def test_a_child_is_kept_between_trials_and_replaced_after_a_failure():
    def pid() -> float:
        return evaluator.evaluate({"how": "well"}).result.outcomes["y"]

    with open_evaluator(spec()) as evaluator:
        first = pid()
        assert pid() == first
        evaluator.evaluate({"how": "raises"})
        assert pid() != first
        last = int(pid())
    assert not is_running(last)


def test_closing_ends_what_works_in_other_threads_with_everything_it_started(tmp_path, monkeypatch):
    monkeypatch.setenv("PIDS", str(tmp_path / "pids"))
    answers = []

    def work() -> None:
        try:
            answers.append(evaluator.evaluate({"how": "hangs with a child"}))
        except EvaluationError as error:
            answers.append(error)

    with open_evaluator(spec()) as evaluator:
        thread = threading.Thread(target=work)
        thread.start()
        wait_until((tmp_path / "pids").exists)
    thread.join(20)
    assert not thread.is_alive()
    # Nothing is known about the design, so nothing may be recorded.
    assert isinstance(answers[0], EvaluationError)
    with pytest.raises(EvaluationError, match="stopped"):
        evaluator.evaluate({"how": "well"})
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    wait_until(lambda: not any(is_running(pid) for pid in pids))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_no_process_is_left_when_the_campaign_is_killed_or_stopped(tmp_path, number):
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_isolated_evaluators import spec\n"
        "from afssb_opt.evaluators import make_evaluator\n"
        "make_evaluator(spec()).evaluate({'how': 'hangs with a child'})\n"
    )
    environment = {**os.environ, "PIDS": str(tmp_path / "pids")}
    command = [sys.executable, "-c", program, str(HERE)]
    campaign = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_until((tmp_path / "pids").exists)
        pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
        assert all(is_running(pid) for pid in pids)
        os.kill(campaign.pid, number)
        assert campaign.wait(20) != 0
        wait_until(lambda: not any(is_running(pid) for pid in pids))
    finally:
        campaign.kill()


def test_a_missing_function_is_named_before_any_trial():
    with pytest.raises(EvaluationError, match="Did you mean 'sqrt'"):
        make_evaluator(spec("math:sqr"))
