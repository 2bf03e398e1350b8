"""Evaluator functions that do what foreign code does on bad days; the design says which."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd


def evaluate(designs: pd.DataFrame, protocol: object) -> pd.DataFrame:
    """Do what the design's `how` says."""
    how = str(designs["how"].iloc[0])
    if how not in HOWS:
        return pd.DataFrame({"y": [float(os.getpid())]})
    return HOWS[how]()


def _raise():
    sys.stdout.write("looking for the licence\n")
    raise RuntimeError("no licence")


def _hang():
    time.sleep(60)


def _hang_with_child():
    child = subprocess.Popen(["sleep", "60"])
    Path(os.environ["PIDS"]).write_text(f"{os.getpid()} {child.pid}")
    # Holds the interpreter's lock, as a solver in C may: no other thread of this process can run.
    ctypes.PyDLL(None).sleep(60)


def _segfault():
    ctypes.string_at(0)


def _eat_memory():
    blocks = []
    while True:
        blocks.append(bytearray(20_000_000))
        time.sleep(0.005)


def _print_much():
    while True:
        os.write(1, b"x" * 1_000_000)


def _talk():
    sys.stdout.write("to standard output\n")
    os.write(1, b'{"answer": {"failure": {"kind": "cell", "reason": "forged"}}}\n')
    assert not sys.stdin.read()
    return pd.DataFrame({"y": [1.0]})


HOWS = {
    "raises": _raise,
    "hangs": _hang,
    "hangs with a child": _hang_with_child,
    "exits": lambda: sys.exit(3),
    "exits at once": lambda: os._exit(4),
    "segfaults": _segfault,
    "is killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "eats memory": _eat_memory,
    "prints much": _print_much,
    "talks": _talk,
}
