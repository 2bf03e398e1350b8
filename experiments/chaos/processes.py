"""Processes that do something at the same moment, and what each of them answered."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable

FORK = multiprocessing.get_context("fork")


def at_once(target: Callable[..., None], arguments: list[tuple[object, ...]]) -> list[object]:
    """Run one process per tuple of arguments; a process that dies without an answer counts as its own answer."""
    readers, children = [], []
    for given in arguments:
        ours, theirs = FORK.Pipe(duplex=False)
        child = FORK.Process(target=target, args=(*given, theirs))
        child.start()
        theirs.close()
        readers.append(ours)
        children.append(child)
    answers: list[object] = []
    for reader in readers:
        try:
            answers.append(reader.recv())
        except EOFError:
            answers.append("died")
    for child in children:
        child.join()
    return answers
