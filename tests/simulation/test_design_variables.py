"""Whether the layer, the buffer and the collector can be varied by a campaign that the simulation evaluates."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from afssb_opt.campaign_file.build import build_spec
from afssb_opt.campaign_file.read import load_spec
from afssb_opt.domain.errors import CampaignFileError
from afssb_opt.simulation import simulate_cells

LAYERS = Path(__file__).parents[2] / "experiments" / "layers.yaml"
DEFINITION = {
    "name": "hardware",
    "objectives": {"cycle_life": {"goal": "maximize"}},
    "evaluator": "simulation",
    "protocol": {"cycles": 20},
    "budget": {"trials": 4},
}


def test_the_layer_campaign_bounds_films_and_composites_apart_and_its_designs_can_be_cycled() -> None:
    spec = load_spec(LAYERS)
    thickness = spec.space["interlayer_thickness_um"]
    assert thickness.bounds_at({"seed_alloy": "Mg"}) == (0.05, 1.0)  # type: ignore[union-attr]
    assert thickness.bounds_at({"seed_alloy": "Ag-C"}) == (3.0, 20.0)  # type: ignore[union-attr]
    levels = pd.DataFrame({"seed_alloy": ["Mg", "Ag-C", "none"], "buffer": ["none", "silicone", "carbon_felt"]})
    designs = spec.space.from_unit(pd.DataFrame([[0.3] * len(spec.space.numeric)] * 3).to_numpy(), levels)
    for cell in simulate_cells(designs, spec.protocol):
        assert cell.solver_ok


@pytest.mark.parametrize(
    ("space", "where"),
    [
        ({"buffer": {"levels": ["none", "felt"]}}, "space.buffer.levels.felt"),
        (
            {"layer_class": {"fixed": "film"}, "li3n_wt_pct": {"low": 0, "high": 5}},
            "space.layer_class.levels.film",
        ),
        ({"current_collector_roughness_um": {"levels": ["smooth", "rough"]}}, "current_collector_roughness_um"),
    ],
)
def test_a_level_that_the_simulation_does_not_know_is_refused_when_the_file_is_read(
    space: dict[str, object], where: str
) -> None:
    with pytest.raises(CampaignFileError, match=where):
        build_spec({**DEFINITION, "space": space})


def test_a_variable_of_levels_may_be_held_at_one_of_them() -> None:
    space = {"layer_class": {"fixed": "as_reported"}, "li3n_wt_pct": {"low": 0, "high": 5}}
    assert build_spec({**DEFINITION, "space": space}).space.fixed[0].value == "as_reported"
