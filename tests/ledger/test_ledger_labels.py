"""Whether a misread label is noticed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from afssb_opt.ledger.labels import looks_like_label, serial_of_label, trial_label


@given(st.integers(1, 10**12))
def test_a_label_gives_its_serial_number_back(serial: int) -> None:
    assert serial_of_label(trial_label(serial)) == serial
    assert serial_of_label(trial_label(serial).lower()) == serial


@given(st.integers(1, 10**7), st.data())
def test_one_wrong_digit_is_noticed(serial: int, data: st.DataObject) -> None:
    label = trial_label(serial)
    place = data.draw(st.integers(1, len(label) - 3))
    digit = data.draw(st.sampled_from([d for d in "0123456789" if d != label[place]]))
    assert serial_of_label(label[:place] + digit + label[place + 1 :]) is None


@given(st.integers(1, 10**7), st.data())
def test_two_swapped_digits_are_noticed(serial: int, data: st.DataObject) -> None:
    label = list(trial_label(serial))
    first, second = data.draw(st.lists(st.integers(1, len(label) - 3), min_size=2, max_size=2, unique=True))
    label[first], label[second] = label[second], label[first]
    if label[first] != label[second]:
        assert serial_of_label("".join(label)) is None


def test_other_texts_are_no_labels() -> None:
    assert not any(map(looks_like_label, ["", "T1-A", "0007-K", "T0007", "x" * 32]))
