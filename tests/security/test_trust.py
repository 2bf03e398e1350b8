"""Whether code that comes with a campaign runs only after the user has allowed it."""

from __future__ import annotations

import json
import socket
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from afssb_opt.campaign_file import load_spec
from afssb_opt.domain.errors import EvaluationError
from afssb_opt.domain.spec import CampaignSpec, ClusterSpec
from afssb_opt.evaluators import open_evaluator
from afssb_opt.evaluators.trust import CLUSTER_VARIABLE, VARIABLE, allow, named_code, require_trust, revoke, trust_file

CODE = """
from pathlib import Path
Path({marker!r}).write_text("the code ran")
import pandas as pd
def weigh(designs, protocol):
    return pd.DataFrame({{"mass": designs["x"] * 2}})
"""
CAMPAIGN = """
name: foreign
space: {x: {low: 0, high: 1}}
objectives: {mass: {goal: minimize}}
evaluator: {python: "foreign_code_of_tests:weigh"}
budget: {trials: 4}
"""


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "ran"


@pytest.fixture
def campaign(tmp_path: Path, marker: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A campaign with a module beside it, as a colleague would send it."""
    monkeypatch.delenv(VARIABLE)
    folder = tmp_path / "sent"
    folder.mkdir()
    (folder / "foreign_code_of_tests.py").write_text(CODE.format(marker=str(marker)))
    (folder / "foreign.yaml").write_text(CAMPAIGN)
    return folder / "foreign.yaml"


def opens(spec: CampaignSpec) -> bool:
    with open_evaluator(spec) as evaluator:
        return evaluator is not None


def test_nothing_of_a_foreign_campaign_runs_before_it_is_allowed(campaign: Path, marker: Path, afssb) -> None:  # type: ignore[no-untyped-def]
    refused = afssb("check", campaign)
    assert refused.returncode == 1
    assert "afssb trust" in refused.stderr
    assert not marker.exists()
    asked = afssb("trust", campaign)
    assert asked.returncode != 0
    assert not marker.exists()
    allowed = afssb("trust", campaign, "--yes")
    assert allowed.returncode == 0, allowed.stderr
    assert "foreign_code_of_tests.py" in allowed.stdout
    assert not marker.exists()
    assert stat.S_IMODE(trust_file().stat().st_mode) == 0o600
    assert opens(load_spec(campaign))
    assert marker.exists()


def test_running_it_is_refused_before_a_trial_is_made(campaign: Path, marker: Path) -> None:
    with pytest.raises(EvaluationError, match="nothing of it was run"):
        opens(load_spec(campaign))
    assert not marker.exists()
    # The flow opens its evaluator by the same door, and by no other.
    source = (Path(__file__).parents[2] / "flows" / "advance.py").read_text(encoding="utf-8")
    assert "open_evaluator(" in source
    assert "make_evaluator(" not in source


def test_a_change_of_the_code_or_of_what_lies_beside_it_has_to_be_allowed_again(campaign: Path) -> None:
    spec = load_spec(campaign)
    allow(spec)
    require_trust(spec)
    (campaign.parent / "helper.py").write_text("import os")
    with pytest.raises(EvaluationError, match="was changed since it was allowed"):
        require_trust(spec)
    allow(spec)
    module = campaign.parent / "foreign_code_of_tests.py"
    module.write_text(module.read_text() + "\n# more\n")
    with pytest.raises(EvaluationError, match="was changed since it was allowed"):
        require_trust(spec)


def test_permission_is_for_one_campaign_folder_and_can_be_taken_back(campaign: Path, tmp_path: Path) -> None:
    spec = load_spec(campaign)
    allow(spec)
    other = tmp_path / "other"
    other.mkdir()
    for path in campaign.parent.glob("*.*"):
        (other / path.name).write_bytes(path.read_bytes())
    with pytest.raises(EvaluationError, match="has not been allowed yet"):
        require_trust(load_spec(other / "foreign.yaml"))
    revoke(spec)
    with pytest.raises(EvaluationError, match="has not been allowed yet"):
        require_trust(spec)


def test_code_on_the_search_path_has_to_be_allowed_too(
    campaign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (campaign.parent / "foreign_code_of_tests.py").rename(elsewhere / "foreign_code_of_tests.py")
    monkeypatch.syspath_prepend(str(elsewhere))
    spec = load_spec(campaign)
    with pytest.raises(EvaluationError, match="has not been allowed yet"):
        require_trust(spec)
    monkeypatch.setenv(VARIABLE, str(elsewhere))
    require_trust(spec)


def test_installed_packages_need_no_permission(campaign: Path) -> None:
    for target in ("numpy:sum", "json:loads", "math:sqrt"):
        campaign.write_text(CAMPAIGN.replace("foreign_code_of_tests:weigh", target))
        assert named_code(load_spec(campaign)) == []


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', "\ufffd"])
def test_an_unreadable_list_of_permissions_allows_nothing(campaign: Path, content: str) -> None:
    spec = load_spec(campaign)
    allow(spec)
    trust_file().write_text(content, encoding="utf-8")
    with pytest.raises(EvaluationError, match=r"cannot be read|has not been allowed"):
        require_trust(spec)


def test_a_campaign_cannot_bring_its_own_permission(campaign: Path) -> None:
    spec = load_spec(campaign)
    allow(spec)
    words = trust_file().read_text(encoding="utf-8")
    revoke(spec)
    for name in ("trusted-code.json", ".config/afssb/trusted-code.json", "afssb/trusted-code.json"):
        path = campaign.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(words, encoding="utf-8")
    assert json.loads(words)
    with pytest.raises(EvaluationError, match="has not been allowed yet"):
        require_trust(spec)


ELSEWHERE = """
name: elsewhere
space: {{x: {{low: 0, high: 1}}}}
objectives: {{mass: {{goal: minimize}}}}
evaluator: {{python: "math:sqrt"}}
cluster: {{dask: "{address}"}}
budget: {{trials: 4}}
"""


@pytest.fixture
def scheduler() -> Iterator[socket.socket]:
    """A port where somebody waits for what a campaign sends."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.setblocking(False)
        yield server


@pytest.fixture
def elsewhere(tmp_path: Path, scheduler: socket.socket) -> CampaignSpec:
    """A campaign that wants to be evaluated there."""
    file = tmp_path / "elsewhere.yaml"
    file.write_text(ELSEWHERE.format(address=f"tcp://127.0.0.1:{scheduler.getsockname()[1]}"))
    return load_spec(file)


def test_a_foreign_campaign_reaches_no_address_that_was_not_allowed(
    elsewhere: CampaignSpec, tmp_path: Path, scheduler: socket.socket
) -> None:
    # Prefect would only pass it on.
    from flows.advance import _advance

    with pytest.raises(EvaluationError, match="nothing was sent there"):
        _advance(tmp_path / "elsewhere.yaml", None)
    with pytest.raises(BlockingIOError):
        scheduler.accept()


def test_a_cluster_is_allowed_by_its_address_and_can_be_taken_back(
    elsewhere: CampaignSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, afssb
) -> None:  # type: ignore[no-untyped-def]
    address = elsewhere.cluster.address
    allowed = afssb("trust", tmp_path / "elsewhere.yaml", "--yes")
    assert allowed.returncode == 0, allowed.stderr
    assert address in allowed.stdout
    require_trust(elsewhere)
    with pytest.raises(EvaluationError, match="has not been allowed yet"):
        require_trust(replace(elsewhere, cluster=ClusterSpec(address=f"{address}0")))
    revoke(elsewhere)
    with pytest.raises(EvaluationError, match="has not been allowed yet"):
        require_trust(elsewhere)
    monkeypatch.setenv(CLUSTER_VARIABLE, f"tls://other:8786 {address}")
    require_trust(elsewhere)


def test_workers_that_the_program_starts_itself_need_no_permission(elsewhere: CampaignSpec) -> None:
    require_trust(replace(elsewhere, cluster=ClusterSpec(local_workers=2)))
