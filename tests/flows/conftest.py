"""One Prefect server per module for tests that only need some server; starting one takes five seconds of processor."""

import os

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.local_server import prefect_api


# Not longer: other modules fork this process, or count the servers under it.
@pytest.fixture(scope="module")
def api(tmp_path_factory):
    with prefect_api(tmp_path_factory.mktemp("server") / "prefect", lambda: os.environ["PREFECT_API_URL"]) as address:
        # Other tests shall not meet it.
        kept = {name: os.environ.pop(name) for name in ("PREFECT_API_URL", "PREFECT_HOME")}
        yield address
        os.environ.update(kept)


@pytest.fixture
def server(api, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", api)
    # Another test may have imported Prefect, which reads its settings then.
    with temporary_settings({PREFECT_API_URL: api}):
        yield api
