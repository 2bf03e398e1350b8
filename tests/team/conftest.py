"""What the tests of servers share: all routes of Prefect and MLflow, as the programs list them, and the stack."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

STACK = Path(__file__).parents[2] / "experiments" / "team_stack"

PREFECT_ROUTES = """
import json
from fastapi.routing import APIWebSocketRoute
from prefect.server.api.server import create_app

def walk(routes, prefix=""):
    for route in routes:
        router = getattr(route, "original_router", None)
        if router is not None:
            yield from walk(router.routes, prefix)
        elif type(route).__name__ == "Mount":
            inner = list(walk(getattr(route.app, "routes", None) or [], prefix + route.path))
            yield from inner or [("GET", prefix + route.path + "/x")]
        elif isinstance(route, APIWebSocketRoute):
            yield "WEBSOCKET", prefix + route.path
        else:
            yield from ((method, prefix + route.path) for method in route.methods)

print(json.dumps(sorted(set(walk(create_app().routes)))))
"""

MLFLOW_ROUTES = """
import json, sys
from mlflow.server import app as flask_app
if sys.argv[1] == "auth":
    from mlflow.server.auth import create_app
    app = create_app(flask_app)
else:
    from mlflow.server.fastapi_app import create_fastapi_app
    app = create_fastapi_app(flask_app)

def walk(routes, prefix=""):
    for route in routes:
        router = getattr(route, "original_router", None)
        if router is not None:
            yield from walk(router.routes, prefix + getattr(route.include_context, "prefix", ""))
        elif getattr(route, "methods", None):
            yield from ((method, prefix + route.path) for method in route.methods)

found = set(walk(app.routes)) | {(m, rule.rule) for rule in flask_app.url_map.iter_rules() for m in rule.methods}
print(json.dumps(sorted(found)))
"""


def _routes(program: str, folder: Path, *arguments: str, **environment: str) -> list[tuple[str, str]]:
    """Run a listing in a process of its own, because importing a server changes the process."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, cwd=folder, timeout=120,
        env={**os.environ, "PREFECT_HOME": str(folder / "prefect"), **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [(method, path) for method, path in json.loads(done.stdout.splitlines()[-1]) if method != "OPTIONS"]


@pytest.fixture(scope="session")
def prefect_routes(tmp_path_factory):
    return _routes(PREFECT_ROUTES, tmp_path_factory.mktemp("routes"))


@pytest.fixture(scope="session")
def mlflow_auth_routes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("routes")
    (folder / "auth.ini").write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{folder / 'auth.db'}\n"
        "admin_username = admin\nadmin_password = only-for-a-list-of-routes\n"
    )
    settings = {
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "x" * 32,
        "_MLFLOW_SGI_NAME": "uvicorn",
    }
    return _routes(MLFLOW_ROUTES, folder, "auth", **settings)


@pytest.fixture(scope="session")
def mlflow_routes(tmp_path_factory):
    return _routes(MLFLOW_ROUTES, tmp_path_factory.mktemp("routes"), "open")


@pytest.fixture(scope="session")
def stack_module():
    """Give the module that starts the team stack, which the example scripts share."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(STACK))
        import stack

        yield stack


# A socket that is silent this long after its handshake waits for a message: it is open.
SILENCE_S = 1.0


def _opened_sockets(address, routes, *, headers=None, tokens=(None, "admin:wrong")) -> list[str]:
    """Return the websocket routes on which a stranger gets further than a refusal, and how.

    Prefect's sockets are asked as its clients of today do, with an authentication as the first message, and as its
    older ones do, without one.
    """
    paths = [path for method, path in routes if method == "WEBSOCKET"]
    assert len(paths) >= 5
    opened = []
    for path in paths:
        uri = address.replace("http://", "ws://") + re.sub(r"\{[^}]*\}", "stranger", path)
        for token in ("", *tokens):
            subprotocols = None if token == "" else ["prefect"]
            try:
                with connect(uri, subprotocols=subprotocols, additional_headers=headers, proxy=None) as client:
                    if token != "":
                        client.send(json.dumps({"type": "auth", "token": token}))
                    answer = client.recv(timeout=SILENCE_S)
            except (InvalidStatus, ConnectionClosed):
                continue
            except TimeoutError:
                answer = "waits for a message"
            opened.append(f"{path} with token {token!r}: {answer}")
    return opened


@pytest.fixture(scope="session")
def opened_sockets():
    return _opened_sockets
