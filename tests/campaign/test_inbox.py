"""The inbox: which files have finished arriving, and that each content is looked at once."""

import os

import pytest

from afssb_opt import Campaign
from afssb_opt.campaign.inbox import Inbox, inbox_folder, not_taken_in, take_in
from afssb_opt.campaign.stores import Stores
from afssb_opt.campaign_file import load_spec
from afssb_opt.domain.errors import InputError
from afssb_opt.domain.trials import TrialState

LAB = {
    "name": "arriving",
    "space": {"x": {"low": 0, "high": 1}},
    "objectives": {"y": {"goal": "maximize"}},
    "evaluator": "lab",
    "batch_size": 2,
    "budget": {"trials": 4},
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


@pytest.fixture
def campaign():
    with Campaign.load(LAB) as opened:
        opened.propose()
        yield opened


def names(found):
    return sorted(path.name for path in found)


def test_a_file_has_arrived_when_nothing_about_it_changed_for_a_while(folder):
    inbox = Inbox(folder, settle_s=5)
    growing = folder / "cell.csv"
    growing.write_text("a")
    assert inbox.look(0) == {}
    growing.write_text("ab")
    # A copying program may set the time back; the size is what gives it away then.
    os.utime(growing, (1, 1))
    assert inbox.look(6) == {}
    assert inbox.look(10) == {}
    assert names(inbox.look(11.5)) == ["cell.csv"]


def test_a_file_that_is_changed_again_after_it_arrived_arrives_again_with_another_content(folder):
    inbox = Inbox(folder, settle_s=5)
    (folder / "cell.csv").write_text("a")
    inbox.look(0)
    first = inbox.look(6)
    (folder / "cell.csv").write_text("abc")
    assert inbox.look(7) == {}
    second = inbox.look(13)
    assert names(first) == names(second)
    assert set(first.values()).isdisjoint(second.values())


@pytest.mark.parametrize(
    "name", ["x.csv.part", "x.CSV.tmp", "x.crdownload", ".x.csv", "~$x.xlsx", "Thumbs.db", "x.csv~"]
)
def test_names_of_unfinished_and_of_system_files_are_left_alone(folder, name):
    (folder / name).write_text("a")
    inbox = Inbox(folder, settle_s=0)
    inbox.look(0)
    assert inbox.look(1) == {}


def test_a_file_that_vanishes_and_a_link_are_no_files_that_arrived(folder, tmp_path):
    (tmp_path / "elsewhere.csv").write_text("a")
    (folder / "link.csv").symlink_to(tmp_path / "elsewhere.csv")
    (folder / "gone.csv").write_text("a")
    inbox = Inbox(folder, settle_s=1)
    inbox.look(0)
    (folder / "gone.csv").unlink()
    assert inbox.look(2) == {}
    folder.joinpath("link.csv").unlink()
    folder.rmdir()
    with pytest.raises(InputError, match="does not exist"):
        inbox.look(3)


def test_each_content_is_taken_in_once_whatever_its_name_and_whoever_looks(campaign, folder):
    label = campaign.trials()[0].label
    (folder / "results.csv").write_text(f"trial,y,status\n{label},1.5,completed\n")
    inbox = Inbox(folder, settle_s=0)
    arrived = inbox.look(0)
    assert names(not_taken_in(campaign, arrived)) == ["results.csv"]
    found = take_in(campaign, arrived, "inbox")
    assert found.files == ("results.csv",)
    assert campaign.ledger.trial(label).state is TrialState.COMPLETED
    seq = campaign.ledger.last_seq(campaign.uid)
    (folder / "results.csv").rename(folder / "copy.csv")
    again = Inbox(folder, settle_s=0).look(0)
    assert names(again) == ["copy.csv"]
    assert take_in(campaign, again, "inbox").files == ()
    assert campaign.ledger.last_seq(campaign.uid) == seq


def test_what_nobody_can_read_is_said_once_and_not_looked_at_again(campaign, folder):
    (folder / "holiday.csv").write_text("place,days\nsea,3\n")
    arrived = Inbox(folder, settle_s=0).look(0)
    found = take_in(campaign, arrived, "inbox")
    assert found.files == ("holiday.csv",)
    assert {entry["what"].split()[0] for entry in found.done} <= {"rejected", "held"}
    assert not_taken_in(campaign, arrived) == {}


def test_the_inbox_lies_where_the_campaign_file_says_or_in_the_store(tmp_path):
    stores = Stores.beside(tmp_path / "a.yaml")
    assert inbox_folder(load_spec(LAB), stores, tmp_path / "a.yaml") == stores.folder / "inbox" / "arriving"
    named = load_spec({**LAB, "inbox": "../exports"})
    assert inbox_folder(named, stores, tmp_path / "deep" / "a.yaml") == (tmp_path / "exports").resolve()
