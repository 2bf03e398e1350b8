"""Foreign code as an evaluator: in child processes, reused while they work and replaced when they do not."""

from __future__ import annotations

import atexit
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from afssb_opt.domain.errors import EvaluationError
from afssb_opt.domain.trials import TrialFailure
from afssb_opt.evaluators.messages import from_message
from afssb_opt.evaluators.protocol import Evaluation
from afssb_opt.isolation.process import ChildError, ChildProcess, ChildStoppedError, Limits

# Importing torch or PyBaMM from a cold network drive takes a minute; more than this is a hang.
_START_SECONDS: Final = 300.0
# Telemetry of PyBaMM would ask on the terminal and send; the campaign's own children never do.
_ENVIRONMENT: Final = {"PYBAMM_DISABLE_TELEMETRY": "true"}


class _Children:
    """The child processes of this process: idle ones wait for the next trial, busy ones can be stopped from outside."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[str, list[ChildProcess]] = {}
        self._busy: dict[str, list[ChildProcess]] = {}
        self._closed: set[str] = set()

    def open(self, key: str) -> None:
        """Allow children again after `close`."""
        with self._lock:
            self._closed.discard(key)

    def take(self, key: str, worker: str) -> tuple[ChildProcess, bool]:
        """Return a child, counted as busy, and whether it is new and waits for its settings.

        Raises:
            ChildStoppedError: The children of this evaluator were closed.
            ChildError: No process can be started.
        """
        with self._lock:
            if key in self._closed:
                raise ChildStoppedError("was stopped")
            idle = self._idle.get(key, [])
            child, is_new = (idle.pop(), False) if idle else (ChildProcess(worker, _ENVIRONMENT), True)
            self._busy.setdefault(key, []).append(child)
            return child, is_new

    def give_back(self, key: str, child: ChildProcess, *, is_usable: bool) -> None:
        """Keep a busy child for the next trial, or end it."""
        with self._lock:
            is_known = child in self._busy.get(key, [])
            if is_known:
                self._busy[key].remove(child)
                if is_usable:
                    self._idle.setdefault(key, []).append(child)
        if not (is_known and is_usable):
            child.close()

    def close(self, key: str) -> None:
        """End the children of one evaluator and start no other until it is opened again."""
        with self._lock:
            self._closed.add(key)
            ended = [*self._idle.pop(key, []), *self._busy.pop(key, [])]
        for child in ended:
            child.close()

    def close_all(self) -> None:
        """End all children."""
        for key in {*self._idle, *self._busy}:
            self.close(key)


# One per process: an evaluator that travels to another process or is built twice meets the children that run there.
_CHILDREN: Final = _Children()
atexit.register(_CHILDREN.close_all)


@dataclass(frozen=True)
class IsolatedEvaluator:
    """Evaluates designs by foreign code that may raise, hang, crash, exit or eat the memory: one trial fails, no more.

    Attributes:
        worker: `module:function` that opens the worker in the child process.
        settings: Plain data for it.
        limits: What one evaluation may cost.
    """

    worker: str
    settings: Mapping[str, Any]
    limits: Limits

    def evaluate(self, design: Mapping[str, float | str]) -> Evaluation:
        """Return what the foreign code said, or a failure with its reason and the end of what it printed.

        Raises:
            EvaluationError: `close` was called meanwhile, so nothing is known about the design.
        """
        plain = {name: value if isinstance(value, str) else float(value) for name, value in design.items()}
        try:
            return from_message(self._ask(plain))
        except ChildStoppedError as error:
            raise EvaluationError(f"the evaluator {error}") from error
        except ChildError as error:
            return Evaluation(TrialFailure("equipment", f"the evaluator {error}"))

    def open(self) -> None:
        """Start a child now, so that a wrong module is found before any trial is spent on it.

        Raises:
            EvaluationError: The foreign code cannot be set up.
        """
        _CHILDREN.open(self._key)
        try:
            self._ask(None)
        except ChildError as error:
            raise EvaluationError(f"the evaluator cannot be set up: {error}") from None

    def close(self) -> None:
        """End the children of this evaluator, also those at work in other threads."""
        _CHILDREN.close(self._key)

    def _ask(self, request: Any) -> Any:
        child, is_new = _CHILDREN.take(self._key, self.worker)
        is_usable = False
        try:
            if is_new:
                child.ask(self.settings, Limits(_START_SECONDS, self.limits.memory_bytes))
            answer = None if request is None else child.ask(request, self.limits)
            is_usable = True
        finally:
            _CHILDREN.give_back(self._key, child, is_usable=is_usable)
        return answer

    @property
    def _key(self) -> str:
        return json.dumps([self.worker, self.settings], sort_keys=True)
