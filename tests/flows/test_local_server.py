import os

import pytest

from afssb_opt.domain.errors import StoreUnavailableError
from flows.artifacts import artifact_key
from flows.local_server import prefect_api


def test_a_server_named_in_the_environment_is_used_and_none_is_started(tmp_path, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    with prefect_api(tmp_path / "home", meanwhile=lambda: "imported") as imported:
        assert imported == "imported"
    assert not (tmp_path / "home").exists()
    assert os.environ["PREFECT_API_URL"] == "http://127.0.0.1:1/api"


@pytest.mark.slow
@pytest.mark.servers
def test_a_server_that_cannot_start_is_reported_with_its_log(tmp_path):
    home = tmp_path / "home"
    (home / "prefect.db").mkdir(parents=True)
    with (
        pytest.raises(StoreUnavailableError, match=r"server\.log"),
        prefect_api(home, meanwhile=lambda: os.environ["PREFECT_API_URL"]),
    ):
        pytest.fail("the server came up on a folder instead of a database")
    assert "PREFECT_API_URL" not in os.environ


def test_artifact_keys_are_what_prefect_takes():
    assert artifact_key("My cells, 25 °C", "pareto-set") == "my-cells-25-c-pareto-set"
