"""The garbage collector is off while many rows are read, and back as it was afterwards, whoever reads beside."""

import gc
import threading

import pytest

from afssb_opt.ledger.collecting import without_collector


def test_the_collector_comes_back_after_an_error_and_after_nested_readings():
    with pytest.raises(ValueError, match="invalid literal"), without_collector():
        int("no number")
    assert gc.isenabled()
    with without_collector():
        with without_collector():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_reading_that_ends_first_leaves_the_collector_off_for_the_other():
    may_end, has_ended = threading.Event(), threading.Event()

    def other():
        with without_collector():
            may_end.wait(10)
        has_ended.set()

    thread = threading.Thread(target=other)
    with without_collector():
        thread.start()
        may_end.set()
        assert has_ended.wait(10)
        assert not gc.isenabled()
    thread.join()
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off():
    gc.disable()
    try:
        with without_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
