"""Is a number written with the digits that its deviation leaves it?"""

import pytest

from afssb_opt.domain.numbers import with_deviation
from afssb_opt.domain.outcomes import outcome_definition


@pytest.mark.parametrize(
    ("mean", "sd", "text"),
    [
        (2014.2, 214.0, "2010 ± 210"),
        (962.13, 6.07, "962.1 ± 6.1"),
        (0.009435, 0.0182, "0.009 ± 0.018"),
        (-3.0, 0.5, "-3.00 ± 0.50"),
        (12.0, 0.0, "12"),
        (5.0, float("nan"), "5 ± nan"),
        (3e9, 2e7, "3e+09 ± 2e+07"),
    ],
)
def test_a_number_has_the_digits_that_its_deviation_leaves_it(mean, sd, text):
    assert with_deviation(mean, sd) == text


def test_the_chance_to_stay_above_a_cliff_is_named_after_its_outcome():
    assert outcome_definition("retention_pct_above_cliff").label == (
        f"{outcome_definition('retention_pct').label} clear of its cliff"
    )
    assert outcome_definition("gain_above_cliff").label == "gain clear of its cliff"
