"""The mirror and the proposals of a flow load the strategies in two threads at the same moment."""

import subprocess
import sys

# One thread is held in the middle of importing the strategies, before torch; what the mirror asks for must wait for it.
PROGRAM = """
import sys, threading
from importlib.machinery import SourceFileLoader
import pandas as pd
from afssb_opt.campaign_file import load_spec
from afssb_opt.tracking import progress

is_inside, may_go_on = threading.Event(), threading.Event()
run_module = SourceFileLoader.exec_module

def held(loader, module):
    if module.__name__ == "afssb_opt.strategies.explanation":
        is_inside.set()
        may_go_on.wait(60)
    run_module(loader, module)

SourceFileLoader.exec_module = held

spec = load_spec({"name": "p", "space": {"x": {"low": 0, "high": 1}}, "evaluator": "lab", "budget": {"trials": 9},
                  "objectives": {"a": {"goal": "maximize"}, "b": {"goal": "maximize"}}})
table = pd.DataFrame({"a": [1.0, 2.0], "b": [2.0, 1.0]})
threading.Thread(target=__import__, args=("afssb_opt.strategies",)).start()
assert is_inside.wait(60)
answers = []
for function in (progress.progress_table, progress.fixed_reference):
    mirror = threading.Thread(target=lambda function=function: answers.append(function(spec, table)))
    mirror.start()
    mirror.join(2)
    print("loaded beside it:", "torch" in sys.modules)
may_go_on.set()
for thread in threading.enumerate()[1:]:
    thread.join()
print(len(answers), "answers")
"""


def test_the_mirror_waits_for_another_thread_that_is_importing_the_strategies():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=200, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["loaded beside it: False"] * 2 + ["2 answers"]
