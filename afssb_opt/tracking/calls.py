"""How a call to MLflow may fail: bounded waits, and each failure as an error of this project."""

from __future__ import annotations

import contextlib
import functools
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from requests import RequestException
from sqlalchemy.exc import SQLAlchemyError

from afssb_opt.domain.errors import StoreError, StoreUnavailableError
from afssb_opt.domain.secrets import without_secrets

# MLflow's own defaults (120 s, 7 retries) hold a campaign for minutes when the server is gone. No retry at all,
# because a repeated `runs/create` whose first reply was lost makes a second run; the next sync repeats safely.
_ENVIRONMENT: Final = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    # Otherwise every ended run prints two lines to standard output, into the middle of a `--json` answer.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}

# Calls that may be repeated: doing them twice is doing them once. Creating is not among them.
_REPEATABLE: Final = frozenset(
    {"search_runs", "get_experiment_by_name", "get_experiment", "log_batch", "log_artifact", "log_artifacts", "set_tag",
     "set_experiment_tag", "delete_tag", "set_terminated", "update_run"}
)  # fmt: skip
# Waits before the second and third attempt: an overloaded server needs a moment, and nobody waits for the mirror long.
_PAUSES_S: Final = (0.2, 0.8)

# What MLflow says when the same call may succeed later.
_PASSING: Final = frozenset(
    {"TEMPORARILY_UNAVAILABLE", "INTERNAL_ERROR", "REQUEST_LIMIT_EXCEEDED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"}
)

_REMEDY: Final = "Nothing is lost: the ledger holds every result and the next sync catches up."


class PatientClient:
    """An MLflow client that tries calls again which failed in passing, where a repetition is harmless."""

    def __init__(self, client: MlflowClient) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        return functools.partial(_tried_again, method) if name in _REPEATABLE else method


def _tried_again(method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    for pause_s in _PAUSES_S:
        try:
            return method(*arguments, **options)
        except (MlflowException, RequestException) as error:
            # A server that hangs was waited for long enough.
            if "timed out" in str(error).lower() or not _is_passing(error):
                raise
            time.sleep(pause_s)
    return method(*arguments, **options)


def _is_passing(error: MlflowException | RequestException) -> bool:
    return isinstance(error, RequestException) or error.error_code in _PASSING


@contextlib.contextmanager
def mlflow_calls(tracking_uri: str) -> Iterator[None]:
    """Run MLflow calls with bounded waits and translate what they raise.

    Raises:
        StoreUnavailableError: MLflow or its database does not answer now.
        StoreError: MLflow refuses the call.
    """
    with _quiet_and_bounded():
        try:
            yield
        except MlflowException as error:
            if _is_passing(error):
                raise StoreUnavailableError(_message(tracking_uri, "does not answer", error)) from error
            raise StoreError(_message(tracking_uri, f"refuses ({error.error_code})", error)) from error
        except (RequestException, SQLAlchemyError, sqlite3.Error) as error:
            raise StoreUnavailableError(_message(tracking_uri, "does not answer", error)) from error
        except ImportError as error:
            remedy = "Install the driver, for PostgreSQL with `pip install 'afssb-opt[postgres]'`."
            raise StoreError(f"{_message(tracking_uri, 'needs a database driver', error)} {remedy}") from error
        except OSError as error:
            raise StoreError(_message(tracking_uri, "cannot be written", error)) from error


# Who is inside at the moment, and what the environment held before the first came in: mirrors may sync side by side.
_LOCK: Final = threading.Lock()
_INSIDE: Final[list[dict[str, str | None]]] = []


@contextlib.contextmanager
def _quiet_and_bounded() -> Iterator[None]:
    with _LOCK:
        before = _INSIDE[0] if _INSIDE else {name: os.environ.get(name) for name in _ENVIRONMENT}
        _INSIDE.append(before)
        os.environ.update({name: value for name, value in _ENVIRONMENT.items() if before[name] is None})
    try:
        yield
    finally:
        with _LOCK:
            _INSIDE.pop()
            for name in () if _INSIDE else [name for name, value in before.items() if value is None]:
                os.environ.pop(name, None)


def _message(tracking_uri: str, what: str, error: BaseException) -> str:
    first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
    text = f"MLflow at {tracking_uri} {what}: {first_line[:400]}. {_REMEDY}"
    return without_secrets(text, tracking_uri)
