"""How a call to MLflow may fail: bounded waits, and each failure as an error of this project."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from typing import Final

from mlflow.exceptions import MlflowException
from requests import RequestException
from sqlalchemy.exc import SQLAlchemyError

from afssb_opt.domain.errors import StoreError, StoreUnavailableError

# MLflow's own defaults (120 s, 7 retries) hold a campaign for minutes when the server is gone. No retry at all,
# because a repeated `runs/create` whose first reply was lost makes a second run; the next sync repeats safely.
_ENVIRONMENT: Final = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    # Otherwise every ended run prints two lines to standard output, into the middle of a `--json` answer.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}

# What MLflow says when the same call may succeed later.
_PASSING: Final = frozenset(
    {"TEMPORARILY_UNAVAILABLE", "INTERNAL_ERROR", "REQUEST_LIMIT_EXCEEDED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"}
)

_REMEDY: Final = "Nothing is lost: the ledger holds every result and the next sync catches up."


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
            if error.error_code in _PASSING:
                raise StoreUnavailableError(_message(tracking_uri, "does not answer", error)) from error
            raise StoreError(_message(tracking_uri, f"refuses ({error.error_code})", error)) from error
        except (RequestException, SQLAlchemyError, sqlite3.Error) as error:
            raise StoreUnavailableError(_message(tracking_uri, "does not answer", error)) from error
        except ImportError as error:
            remedy = "Install the driver, for PostgreSQL with `pip install 'afssb-opt[postgres]'`."
            raise StoreError(f"{_message(tracking_uri, 'needs a database driver', error)} {remedy}") from error
        except OSError as error:
            raise StoreError(_message(tracking_uri, "cannot be written", error)) from error


@contextlib.contextmanager
def _quiet_and_bounded() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    os.environ.update({name: value for name, value in _ENVIRONMENT.items() if before[name] is None})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)


def _message(tracking_uri: str, what: str, error: BaseException) -> str:
    first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return f"MLflow at {_without_password(tracking_uri)} {what}: {first_line[:400]}. {_REMEDY}"


def _without_password(uri: str) -> str:
    head, at, tail = uri.rpartition("@")
    scheme, colon, login = head.partition("://")
    return f"{scheme}{colon}{login.partition(':')[0]}@{tail}" if at and colon else uri
