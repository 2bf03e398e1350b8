import math

import pytest

from afssb_opt.domain.seed_alloys import (
    DESCRIPTORS,
    LAYER_CLASSES,
    TRUST_LEVELS,
    seed_alloy,
    seed_alloy_names,
    seed_alloy_table,
    seed_layer,
    seed_layer_table,
)

QUICKSTART_LEVELS = ["none", "Ag", "Au", "Mg", "Zn", "Al", "Sn", "In", "Ag-In", "Ag-ZnO"]


@pytest.mark.parametrize("name", seed_alloy_names())
def test_every_alloy_has_every_descriptor_as_a_finite_number(name):
    quantities = seed_alloy(name)
    assert all(math.isfinite(quantities[descriptor].value) for descriptor in DESCRIPTORS)


def test_every_value_states_unit_source_and_trust():
    table = seed_alloy_table()
    assert (table["source"].str.len() > 3).all()
    assert set(table["trust"]) <= set(TRUST_LEVELS)
    assert not table.duplicated(["alloy", "quantity"]).any()
    assert table.groupby("quantity")["unit"].nunique().max() == 1


def test_the_levels_of_the_quickstart_are_in_the_table():
    assert set(QUICKSTART_LEVELS) <= set(seed_alloy_names())
    assert seed_alloy_names()[0] == "none"


def test_storage_capacity_follows_from_density_and_gravimetric_capacity():
    # 559 mAh/g (Li9Ag4) x 10.49 g/cm3 x 1e-4 cm = 0.586 mAh/cm2 per um.
    assert seed_alloy("Ag")["lithiation_capacity_mah_cm2_um"].value == pytest.approx(559 * 10.49e-4, rel=0.02)


def test_an_unknown_alloy_is_refused_with_the_nearest_name():
    with pytest.raises(KeyError, match="Did you mean 'Ag-In'"):
        seed_alloy("AgIn")


def test_every_alloy_has_the_layer_it_was_reported_in():
    table = seed_layer_table()
    assert set(table["alloy"]) == set(seed_alloy_names())
    assert table["alloy"].is_unique
    assert set(table["layer_class"]) <= set(LAYER_CLASSES)
    assert (table["reference"].str.len() > 10).all()


def test_every_system_of_the_review_is_in_the_table():
    systems = "Mg Ag Ag-In Ag-ZnO ZnO W/Mg AgF Cu2Te Cu none Ag-C C Ni-C Zn-C Sn-C Al-C Ag-graphite Au hydride"
    assert set(systems.split()) <= set(seed_alloy_names())
    assert {name for name in seed_alloy_names() if seed_layer(name).is_composite} == {
        "C", "Ag-C", "Ni-C", "Zn-C", "Sn-C", "Al-C", "Ag-graphite",
    }  # fmt: skip


def test_a_seed_without_a_layer_is_refused():
    with pytest.raises(KeyError, match="Did you mean 'Ag-C'"):
        seed_layer("Ag-Cc")
