"""A flow run sets aside what stays, and leaves the collector as it was."""

import contextlib
import gc

from flows.collector import imports_set_aside


class Kept:
    """Something that is there when all is imported."""


def is_walked_over(found: object) -> bool:
    return any(one is found for one in gc.get_objects())


def test_the_collector_leaves_alone_what_is_there_and_nothing_that_comes_later():
    kept = Kept()
    with imports_set_aside() as set_aside:
        assert is_walked_over(kept)
        set_aside()
        later = Kept()
        # Once only: what is garbage later must not be set aside with it.
        set_aside()
        assert not is_walked_over(kept)
        assert is_walked_over(later)
    assert is_walked_over(kept)


def test_after_an_error_everything_is_collected_again():
    kept = Kept()
    with contextlib.suppress(KeyError), imports_set_aside() as set_aside:
        set_aside()
        raise KeyError
    assert is_walked_over(kept)
    assert gc.get_freeze_count() == 0
