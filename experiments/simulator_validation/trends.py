"""Which trends are reported for anode-free sulfide cells, and where the simulator is looked at for each.

Numbers marked "digest" were read in a secondary source.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import findings


@dataclass(frozen=True)
class Trend:
    """One reported trend and how to look for it.

    Attributes:
        part: `calibration` where the model or a value of the seed table was made to show the trend, else `validation`.
        find: Returns what the simulator shows in words, and whether the trend holds (None: not modelled).
    """

    number: int
    statement: str
    source: str
    reported: str
    find: Callable[[], findings.Finding]

    @property
    def part(self) -> Literal["calibration", "validation"]:
        """Whether the trend was put in."""
        return "calibration" if self.number in PUT_IN else "validation"


# Trends that shaped a law or a descriptor: showing them says that the model can, not that it predicts.
PUT_IN = frozenset({3, 4, 5, 6, 8, 9, 10, 11, 20, 21, 24, 25, 26, 28, 29, 31})
LEE = "Lee YG 2020, 10.1038/s41560-020-0575-z (digest)"
REVIEW = "Wang & Zhu 2025, 10.1021/acsenergylett.5c00517"
TRENDS = (
    Trend(1, "pressure has an optimum inside", REVIEW, "qualitative", findings.pressure_window),
    Trend(2, "pressure must last",
          "Huang 2024, ref 69 of the review", "15 to 0.4 MPa, then soft short", findings.lasting_pressure),
    Trend(3, "a compliant buffer raises the first efficiency",
          "Cao 2023, ref 55", "58.4 to 83.7 %", findings.compliant_buffer),
    Trend(4, "a ductile buffer cuts voids", "Oh 2023, ref 56", "28 to 6 % at 2 MPa", findings.ductile_buffer),
    Trend(5, "seeds lower the nucleation barrier", "DOE BMR Q4 2023", "24 to 12 mV", findings.nucleation),
    Trend(6, "a bare collector fails fast at 60 C", LEE, "80 % at 15, 50 % at 20", findings.bare_collector),
    Trend(7, "contact lost at end of strip: none > Ag > Au, growing",
          "Sandoval 2023, ref 65", "order", findings.contact_at_end_of_strip),
    Trend(8, "Ag-C lasts at 60 C", LEE, "> 1000 cycles", findings.silver_carbon_lasts),
    Trend(9, "carbon helps, carbon and silver win", "Suzuki 2021, ref 52", "order", findings.carbon_and_silver),
    Trend(10, "silver share has an optimum", LEE, "1:3 by weight", findings.silver_share),
    Trend(11, "silver migrates to the collector, Ni, Zn, Sn, Al stay (put in)",
          "Suzuki 2021, ref 52", "flag", findings.migrating_metal),
    Trend(12, "Mg is slow but lasts longer than Ag", "Jun 2024, ref 40", "order", findings.slow_but_lasting),
    Trend(13, "creep over reduction flux sets where lithium lies", "Park 2024, ref 53", "signs", findings.creep_ratio),
    Trend(14, "more current, shorter life", "Lewis 2023, ref 66", "0.5 uniform, 1.5 not", findings.current_shortens),
    Trend(15, "more current plates before the host is full",
          "Spencer-Jolly 2023, 10.1016/j.joule.2023.02.001", "0.03, 2, 4 mA/cm2", findings.plates_before_full),
    Trend(16, "carbon layers need heat", LEE, "50 to 5 ohm cm2; 90.7 % at 25 C", findings.heat_helps_carbon),
    Trend(17, "the layer stores lithium and costs efficiency",
          LEE, "0.1 mAh/cm2/um, -1.3 points", findings.host_storage),
    Trend(18, "thickness has an optimum inside", LEE, "5-10 um", findings.thickness_optimum),
    Trend(19, "first efficiency rises with capacity",
          "Zhang 2025, 10.1038/s41563-024-02064-y", "direction", findings.efficiency_with_capacity),
    Trend(20, "interphase grows as the square root of time",
          "Aktekin 2023, 10.1038/s41467-023-42512-y", "60 uAh/cm2 at 400 h", findings.interphase_growth),
    Trend(21, "conversion layers slow reduction, cost lithium once",
          "Lee J 2022, ref 47", "direction", findings.conversion_layers),
    Trend(22, "Li3N has an optimum inside", "Park SW 2022, ref 59", "5 % helps", findings.li3n_optimum),
    Trend(23, "Li3N and a good seed help each other", "Jun 2024, ref 40", "80 % at 500", findings.synergy),
    Trend(24, "moderate roughness is best (put in)", "Gu 2022, ref 64", "order", findings.roughness),
    Trend(25, "indium in silver helps at 50 C", "Lee JH 2024, ref 41", "80.2 % at 250", findings.doped_silver),
    Trend(26, "W on Mg beats Mg", "Oh 2024, ref 44", "direction", findings.bilayer),
    Trend(27, "full cells are worse than half cells", REVIEW, "direction", findings.half_cells),
    Trend(28, "resistance remembers the highest pressure",
          "Doux 2020, 10.1002/aenm.201903253 (digest)", "110 to 50 ohm", findings.pressure_history),
    Trend(29, "2 to 4 MPa hardly differ after pressing at 490 MPa",
          LEE, "94 % at 300 each", findings.pressure_matters_little),
    Trend(30, "low pressure loses contact, high pressure shorts", REVIEW, "direction", findings.pressure_extremes),
    Trend(31, "Ag-ZnO beats Ag and ZnO at room temperature",
          "Sohn 2024, ref 43", "80.8 % at 100, 1 mA/cm2", findings.dual_seed),
)  # fmt: skip
