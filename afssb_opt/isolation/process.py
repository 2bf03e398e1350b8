"""The parent's side: a child process that answers one request at a time within limits, and is killed as a group."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import psutil

from afssb_opt.domain.errors import AfssbError
from afssb_opt.isolation import child

# How often memory and log are looked at; an answer wakes the parent at once.
_POLL_SECONDS: Final = 0.1
# A process that closed its pipe is on its way out; one that is not by then did so on purpose.
_EXIT_SECONDS: Final = 2.0
# A log beyond this is emptied: foreign code that prints in an endless loop must not fill the disk.
_MAX_LOG_BYTES: Final = 16_000_000
# Enough for a traceback of a few frames, short enough for a table of trials.
_TAIL_CHARACTERS: Final = 1500
# A cycling table of 100,000 cycles and 12 columns takes 25 MB as text.
_MAX_ANSWER_BYTES: Final = 100_000_000


class ChildError(AfssbError):
    """A child process gave no answer; the message says why, with the end of what it printed."""


class ChildStoppedError(ChildError):
    """The child was closed by its own parent while it worked."""

    is_retryable = True


@dataclass(frozen=True)
class Limits:
    """What one request may cost.

    Attributes:
        seconds: Wall-clock time.
        memory_bytes: Memory of the child and its own children together; None: as much as the machine has.
    """

    seconds: float
    memory_bytes: int | None = None


class ChildProcess:
    """A worker in a process group of its own, which ends with this process however that ends.

    The child runs in a fresh interpreter: forking would copy threads of torch and open SQLite files.
    """

    def __init__(self, worker: str, environment: Mapping[str, str] | None = None) -> None:
        """Start the child; the first `ask` sends the settings of the worker and waits until it is set up.

        Args:
            worker: `module:function` of this package; the function takes the settings and returns the worker.
            environment: Variables to set beside those of this process.

        Raises:
            ChildError: No process can be started.
        """
        self._is_closed = threading.Event()
        self._in_use = threading.Lock()
        # Held open while the child works; appended to, so that emptying it moves the end.
        self._log = tempfile.TemporaryFile("ab+")  # noqa: SIM115
        read_end, self._tie = os.pipe()
        # -P: the folder this process happens to run in is not a place to import from.
        command = [sys.executable, "-P", child.__file__, str(read_end), worker]
        try:
            self._process = subprocess.Popen(  # noqa: S603  our own interpreter and module
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                pass_fds=[read_end],
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        except BaseException as error:
            os.close(self._tie)
            self._log.close()
            if isinstance(error, OSError):
                raise ChildError(f"its process cannot be started ({error})") from error
            raise
        finally:
            os.close(read_end)
        self._exit = os.pidfd_open(self._process.pid)

    def ask(self, request: Any, limits: Limits) -> Any:
        """Send plain data to the worker and return its answer.

        Raises:
            ChildStoppedError: `close` was called meanwhile.
            ChildError: No answer came; the child is of no further use and must be closed.
        """
        with self._in_use:
            if self._is_closed.is_set():
                raise ChildStoppedError("was stopped before it could answer")
            os.ftruncate(self._log.fileno(), 0)
            try:
                answer = json.loads(self._exchange(json.dumps(request).encode() + b"\n", limits))
            except BrokenPipeError:
                raise self._stopped_or(self._ending()) from None
            except ValueError:
                raise self._stopped_or("gave an answer that cannot be read") from None
            if "refused" in answer:
                raise ChildError(answer["refused"])
            if "raised" in answer:
                raise self._stopped_or(f"raised {answer['raised']}")
            return answer["answer"]

    def close(self) -> None:
        """Kill the child and everything it started; may be called from another thread, and twice."""
        self._is_closed.set()
        self._kill()
        # A thread that waits for an answer sees the end of the process and lets go.
        with self._in_use:
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    with suppress(OSError):
                        stream.close()
            self._log.close()
            for descriptor in (self._tie, self._exit):
                if descriptor >= 0:
                    os.close(descriptor)
            self._tie = self._exit = -1

    def _kill(self) -> int:
        # The leader is not waited for yet, so its number cannot belong to another group.
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        return self._process.wait()

    def _exchange(self, request: bytes, limits: Limits) -> bytes:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None  # noqa: S101  a pipe
        assert stdout is not None  # noqa: S101  a pipe
        deadline = time.monotonic() + limits.seconds
        stdin.write(request)
        stdin.flush()
        answer = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            selector.register(self._exit, selectors.EVENT_READ)
            while not answer.endswith(b"\n"):
                ready = {key.fileobj for key, _ in selector.select(_POLL_SECONDS)}
                if stdout in ready:
                    part = os.read(stdout.fileno(), 1 << 16)
                    answer += part
                    if not part or len(answer) > _MAX_ANSWER_BYTES:
                        raise self._stopped_or(self._ending())
                elif self._exit in ready:
                    raise self._stopped_or(self._ending())
                elif time.monotonic() > deadline:
                    raise self._stopped_or(f"took more than {_duration(limits.seconds)} and was stopped")
                if limits.memory_bytes is not None and self._memory() > limits.memory_bytes:
                    raise self._stopped_or(f"took more than {limits.memory_bytes / 1e9:g} GB of memory and was stopped")
                if os.fstat(self._log.fileno()).st_size > _MAX_LOG_BYTES:
                    os.ftruncate(self._log.fileno(), 0)
        return bytes(answer)

    def _ending(self) -> str:
        """Say how the process ended; one that closed its pipe but lives is killed."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._exit, selectors.EVENT_READ)
            if not selector.select(_EXIT_SECONDS):
                return "closed the connection to its parent"
        code = self._kill()
        if code >= 0:
            return f"ended its process (exit code {code})"
        name = signal.Signals(-code).name
        hint = "; did the machine run out of memory?" if -code == signal.SIGKILL else ""
        return f"crashed: its process was ended by {name}{hint}"

    def _stopped_or(self, reason: str) -> ChildError:
        if self._is_closed.is_set():
            return ChildStoppedError("was stopped before it could answer")
        self._kill()
        tail = self._tail()
        return ChildError(f"{reason}\nIt printed last:\n{tail}" if tail else reason)

    def _tail(self) -> str:
        size = os.fstat(self._log.fileno()).st_size
        # UTF-8 takes up to four bytes per character.
        self._log.seek(max(size - 4 * _TAIL_CHARACTERS, 0))
        return self._log.read().decode("utf-8", "replace").strip()[-_TAIL_CHARACTERS:]

    def _memory(self) -> int:
        """Return the resident memory of the child and all it started."""
        total = 0
        with suppress(psutil.Error):
            child = psutil.Process(self._process.pid)
            for process in (child, *child.children(recursive=True)):
                with suppress(psutil.Error):
                    total += int(process.memory_info().rss)
        return total


def _duration(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"
