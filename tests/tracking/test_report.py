"""The page a campaign is told on: complete, honest about what is missing, safe, and readable without a network."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from afssb_opt.domain.errors import StrategyError
from afssb_opt.domain.trials import TrialResult
from afssb_opt.ledger import NewTrial
from afssb_opt.tracking.level_figures import level_map_figure, reach_figures
from afssb_opt.tracking.model_figures import importance_figure
from afssb_opt.tracking.report import render_report, write_report


def page_of(bench, **extra: object) -> str:
    return render_report(bench.spec, bench.trials(), bench.observations(), **extra)


def figures_of(page: str) -> list[dict[str, object]]:
    found = re.findall(r'<script type="application/json">(.*?)</script>', page, flags=re.DOTALL)
    return [json.loads(text) for text in found]


def told_optimizer(bench):
    """The real optimizer, told with everything the campaign observed."""
    from afssb_opt.strategies import Optimizer

    combine = None if bench.spec.desirability is None else "desirability"
    optimizer = Optimizer(bench.spec.space, bench.spec.objectives, bench.spec.constraints, seed=1,
                          log_outcomes=["cycle_life"], combine=combine)  # fmt: skip
    told = bench.observations()
    names = [
        name for outcome in bench.spec.outcome_names for name in (outcome, f"{outcome}_sem", f"{outcome}_censored")
    ]
    if len(told):
        optimizer.tell(told[[*bench.spec.space.names, *(n for n in names if n in told), "status"]])
    return optimizer


@pytest.mark.parametrize("n_trials", [0, 1])
def test_a_page_without_enough_data_says_so_instead_of_drawing_empty_axes(bench, n_trials):
    bench.run(n_trials)
    page = page_of(bench)
    assert figures_of(page) == []
    assert "Nothing to draw yet" in page
    assert "plotly.js" not in page
    assert len(page) < 20_000


def test_the_page_answers_the_question_in_words_with_units_and_lower_limits(bench):
    bench.run(6)
    page = page_of(bench)
    assert "Which seed gives a long life?" in page
    assert "6 of 40 trials: 5 completed, 1 failed." in page
    assert "&gt; 190 cycles" in page, "the life of a living cell is a lower limit"
    assert "Wh/L" in page
    assert "Pareto set" in page
    assert "short circuit in cycle 1" in page


@pytest.mark.parametrize("n_objectives", [1, 2, 3])
def test_the_model_pages_are_drawn_for_one_two_and_three_objectives(make_bench, n_objectives):
    bench = make_bench(n_objectives)
    bench.run(12)
    page = page_of(bench, optimizer=told_optimizer(bench))
    titles = ("Progress", "Effect of each variable", "Seed alloy: what each level can do", "Which variables matter",
              "Can the model be trusted?")  # fmt: skip
    for title in titles:
        assert f"<h2>{title}</h2>" in page
    assert ("<h2>Trade-off</h2>" in page) == (n_objectives > 1)
    assert "There is no model yet" not in page
    assert page.count("95 % interval; median error") == n_objectives + 1
    # Per objective and constraint: an effect per free variable and a check; per objective what each level can do;
    # progress; one of each other view.
    n_modelled, n_panels = n_objectives + 1, n_objectives + (n_objectives > 1)
    assert len(figures_of(page)) == 4 * n_modelled + n_objectives + n_panels + (n_objectives > 1) + 3


def test_levels_are_drawn_best_on_top_pale_where_unlikely_and_without_what_is_known(make_bench):
    objectives = {"cycle_life": {"goal": "maximize"}, "seed_cost_usd_m2": {"goal": "minimize"}}
    bench = make_bench(objectives=objectives)
    table = pd.DataFrame({
        "level": ["none", "Ag", "<b>Mg</b>"], "x": [0.0, 1.0, 3.0], "y": [0.0, 0.5, 0.0], "n_cells": [4, 0, 9],
        "chance": [0.9, 0.2, 0.8], "best_cycle_life": [100.0, 900.0, 400.0], "best_cycle_life_sd": [9.0, 80.0, 30.0],
        "best_seed_cost_usd_m2": [0.0, 2.0, 0.1], "best_seed_cost_usd_m2_sd": 0.0,
    })  # fmt: skip
    (figure,) = reach_figures(bench.spec, table)
    assert figure.layout.title.text == "Cycle life (cycles)", "a price is known without a model"
    assert figure.layout.yaxis.ticktext == ("none (4)", "&lt;b&gt;Mg&lt;/b&gt; (9)", "Ag (0)")
    likely, unlikely = figure.data
    assert (list(likely.x), list(unlikely.x)) == ([100.0, 400.0], [900.0])
    assert likely.marker.color != unlikely.marker.color
    places = level_map_figure(bench.spec, table).data[0]
    assert list(places.marker.symbol) == ["circle", "circle-open", "circle"]
    assert places.marker.size[2] > places.marker.size[0] > places.marker.size[1]
    assert reach_figures(bench.spec, table.drop(columns=["best_cycle_life", "best_cycle_life_sd"])) == []


def test_importance_is_drawn_alone_and_with_all_that_a_variable_does_together_with_others(bench):
    bench.run(12)
    optimizer = told_optimizer(bench)
    table = optimizer.importance()
    drawn = importance_figure(bench.spec, table)
    life = table[table["outcome"] == "cycle_life"].set_index("variable")
    pale, dark = (bar for bar in drawn.data if bar.name == "Cycle life")
    assert pale.offsetgroup == dark.offsetgroup is not None, "one lies on the other"
    assert (pale.showlegend, dark.showlegend) == (False, True)
    place = list(dark.y).index("Stack pressure (MPa)")
    assert dark.x[place] == pytest.approx(100.0 * life.loc["stack_pressure_mpa", "importance"])
    assert pale.x[place] == pytest.approx(100.0 * life.loc["stack_pressure_mpa", "total"])
    assert (np.array(pale.x) >= np.array(dark.x) - 5.0).all()


def test_a_campaign_for_one_best_cell_shows_its_desirability_and_no_pareto_set(make_bench):
    objectives = {
        "cycle_life": {"goal": "maximize", "threshold": 50, "ideal": 400, "weight": 2},
        "energy_density_wh_l": {"goal": "maximize", "threshold": 400, "ideal": 900},
    }
    bench = make_bench(objectives=objectives, combine="desirability")
    bench.run(12)
    page = page_of(bench, optimizer=told_optimizer(bench))
    scored = bench.spec.scored(bench.observations())
    allowed = scored[scored["initial_ce_pct"] >= 75]
    best = allowed.loc[allowed["desirability"].idxmax()]
    assert f"Best cell so far: desirability {best['desirability']:.4g} in {best['label']}" in page
    assert "Cycle life, of interest above 50 cycles, ideal from 400 cycles on, counts 2 times" in page
    assert "Pareto" not in page
    assert "hypervolume" not in page.lower()
    assert "<h3>Desirability</h3>" in page, "what each variable does to it"
    titles = [figure["layout"].get("title", {}).get("text") for figure in figures_of(page)]
    assert titles[0] == "Desirability", "its progress"


def test_a_model_that_cannot_be_fitted_is_a_sentence_not_an_error(bench):
    class NoModel:
        def effects(self) -> pd.DataFrame:
            raise StrategyError("tell at least three results first")

        importance = leave_one_out = effects

    assert "There is no model yet: tell at least three results first" in page_of(bench, optimizer=NoModel())
    bench.run(1)
    page_of(bench, optimizer=told_optimizer(bench))


def test_the_page_opens_without_a_network_and_holds_plotly_once(bench, tmp_path):
    bench.run(8)
    path = write_report(bench.spec, bench.trials(), bench.observations(), tmp_path / "new" / "report.html")
    page = path.read_text(encoding="utf-8")
    own = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert re.findall(r"""(?:src|href)\s*=\s*["'](?!#)""", own) == []
    assert "@import" not in own
    assert "url(" not in own
    assert page.count("plotly.js v") == 1
    assert 4e6 < path.stat().st_size < 6e6
    assert list(path.parent.iterdir()) == [path]


def test_a_report_that_fails_leaves_the_older_one(bench, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("older")

    class Broken:
        def effects(self) -> pd.DataFrame:
            raise RuntimeError("out of memory")

        importance = leave_one_out = effects

    with pytest.raises(RuntimeError, match="out of memory"):
        write_report(bench.spec, bench.trials(), bench.observations(), path, optimizer=Broken())
    assert path.read_text() == "older"
    assert list(tmp_path.glob(".report*")) == []


HOSTILE = "</script><script>alert(1)</script><b onmouseover=alert(2)>x</b>{{ 7 * 7 }}"


def test_text_from_users_is_shown_and_never_run(make_bench):
    level = "A<img src=x onerror=alert(3)>"
    bench = make_bench(
        question=HOSTILE, space={"solvent <i>": {"levels": [level, "B"]}, "coats": {"values": [1, 2, 3]}},
        objectives={"gain <u>": {"goal": "maximize"}, "loss": {"goal": "minimize"}}, constraints={},
    )  # fmt: skip
    lease = bench.ledger.acquire_lease(bench.record.uid)
    for number in range(6):
        design = {"solvent <i>": level if number % 2 else "B", "coats": float(1 + number % 3)}
        new = NewTrial(design, 1, HOSTILE, {"method": HOSTILE}, is_replicate=True)
        (trial,) = bench.ledger.add_trials(lease, [new])
        bench.ledger.record_result(trial.uid, TrialResult({"gain <u>": 1.0 + number, "loss": number**0.5}))
    page = page_of(bench)
    own = re.sub(r"<script>.*?</script>", "", page, count=1, flags=re.DOTALL)
    for dangerous in ("<script>alert", "<img", "<b onmouseover", "<i>", "<u>"):
        assert dangerous not in own
    assert "{{ 7 * 7 }}" in own, "a template in user text was evaluated"
    figures = figures_of(page)
    assert len(figures) > 2
    # Plotly takes the ticks of parallel coordinates as plain text.
    (lines,) = [trace for figure in figures for trace in figure["data"] if trace["type"] == "parcoords"]
    assert lines["dimensions"][0].pop("ticktext") == [level, "B"]
    texts = json.dumps(figures)
    assert "<img" not in texts
    assert "&lt;img" in texts


def test_every_trial_stands_in_the_table_whatever_became_of_it(bench):
    bench.propose(5)
    trials = bench.trials()
    bench.complete(trials[0])
    bench.fail(trials[1])
    bench.ledger.mark(trials[2].uid, "abandon", reason="the foil tore", actor="lab")
    bench.report_partial(trials[3])
    bench.ledger.mark(trials[0].uid, "exclude", reason="contact was lost", actor="Ada")
    page = page_of(bench)
    for trial in trials:
        assert f">{trial.label}<" in page
    for text in ("the foil tore", "contact was lost", "still cycling", "&gt; 12", 'class="excluded"', "abandoned"):
        assert text in page


def test_the_history_of_the_campaign_file_stands_under_provenance(bench):
    bench.run(1)
    record = bench.ledger.amend_campaign(bench.record.uid, {}, "c" * 64, ["budget.trials: 40 became 60"])
    page = page_of(bench, record=record)
    assert "budget.trials: 40 became 60" in page
    assert bench.spec.sha256 in page
    assert "°C" in page


def test_a_thousand_trials_stay_below_two_megabytes_beside_plotly(bench):
    bench.run(12)
    trials, observations = bench.trials(), bench.observations()
    few = len(render_report(bench.spec, trials, observations))
    many = render_report(bench.spec, trials * 84, observations)
    assert len(many) - few < 2_000_000


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_a_browser_draws_every_figure_of_the_page(bench, tmp_path):
    bench.run(8)
    path = write_report(bench.spec, bench.trials(), bench.observations(), tmp_path / "report.html")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
               "--disable-background-networking", "--disable-component-update", "--disable-quic",
               f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=5000",
               "--dump-dom", path.as_uri()]  # fmt: skip
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert answer.stdout.count('class="main-svg"') >= len(figures_of(Path(path).read_text(encoding="utf-8"))) > 3
