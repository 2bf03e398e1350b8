"""Why a design: what is predicted of it, what it is expected to gain, what drives that, and which cells stand near."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
import torch

from afssb_opt.domain.desirability import DESIRABILITY
from afssb_opt.strategies.diagnostics import chances_to_hold, incumbent_row, predict
from afssb_opt.strategies.gain import Gain
from afssb_opt.strategies.models import CampaignModel
from afssb_opt.strategies.proposal import Proposal, Situation

# Nearest cells that are listed; more are no longer near.
N_NEAREST: Final = 3
# Up to here all coalitions of variables are looked at; beyond, random orders in which the variables are exchanged.
MAX_EXACT: Final = 8
N_ORDERS: Final = 64
# 1.96 standard deviations hold 95 % of a normal distribution.
Z95: Final = 1.96


@dataclass(frozen=True)
class Forecast:
    """What is predicted of one outcome, in its unit; of a pass/fail outcome the probability of a 1.

    Attributes:
        mean: As in `Optimizer.predict`.
        sd: Standard deviation of the noise-free outcome.
        low: Lower end of the 95 % interval.
        high: Upper end.
        reference: The same prediction for the design, or the average of the designs, it is compared with.
        drivers: Per variable what changing it from the reference to this design does (Shapley values); they add up
            to `mean - reference`.
    """

    outcome: str
    mean: float
    sd: float
    low: float
    high: float
    reference: float
    drivers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Neighbour:
    """An observed cell near the design.

    Attributes:
        row: Place among the observations.
        distance: In units of the ranges of the variables; another level is as far as one whole range.
        differs: Variables whose values differ.
    """

    row: int
    distance: float
    differs: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """Why one design was, or would be, chosen.

    Attributes:
        reason: The line that is stored with a trial.
        method: How it was chosen.
        gain: What it is expected to gain; None where it only fills the space.
        forecasts: One per modelled outcome; empty before the first result.
        chances: Per constraint, and for cells that fail, the probability that it holds.
        chance: That all hold, as if they were independent.
        reference_row: Observed cell that the drivers compare with, the best one allowed; None while there is none,
            when the average over all observed cells takes its place.
        neighbours: Nearest observed cells.
    """

    design: Mapping[str, float | str]
    reason: str
    method: str
    gain: Gain | None
    forecasts: tuple[Forecast, ...]
    chances: Mapping[str, float]
    chance: float
    reference_row: int | None
    neighbours: tuple[Neighbour, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        plain = asdict(self)
        if self.gain is not None:
            plain["gain"] |= {"explore": self.gain.explore, "exploit_share": self.gain.exploit_share}
        return plain


def explain_batch(situation: Situation, proposal: Proposal) -> list[Explanation]:
    """Return one explanation per design of a batch as `retrace` or `propose` gives it."""
    model = situation.fit() if len(situation.observations) else None
    return [_explain(situation, proposal, row, chosen_by or model) for row, chosen_by in enumerate(proposal.models)]


def _explain(situation: Situation, proposal: Proposal, row: int, model: CampaignModel | None) -> Explanation:
    design = proposal.designs.iloc[[row]].reset_index(drop=True)
    names = list(situation.space.names)
    observed = situation.observations
    best = None
    if len(observed):
        best = incumbent_row(situation.space, situation.objectives, situation.constraints, observed,
                             situation.desirability)  # fmt: skip
    forecasts: tuple[Forecast, ...] = ()
    chances: dict[str, float] = {}
    neighbours: tuple[Neighbour, ...] = ()
    if model is not None:
        reference = (observed if best is None else observed.iloc[[best]])[names].reset_index(drop=True)
        forecasts = _forecasts(model, design, reference, situation)
        features = torch.as_tensor(model.encoding.encode(design))
        chances = {name: float(one[0]) for name, one in chances_to_hold(model, situation.constraints, features).items()}
        neighbours = _nearest(model, design, observed[names])
    return Explanation(
        design={str(name): design[name].iloc[0] for name in names},
        reason=proposal.reasons[row],
        method=proposal.method,
        gain=proposal.gains[row],
        forecasts=forecasts,
        chances=chances,
        chance=math.prod(chances.values()),
        reference_row=best,
        neighbours=neighbours,
    )


def _forecasts(
    model: CampaignModel, design: pd.DataFrame, reference: pd.DataFrame, situation: Situation
) -> tuple[Forecast, ...]:
    predicted = predict(model, design).iloc[0]
    outcomes = [str(name) for name in predicted.index if f"{name}_sd" in predicted.index]
    variables = [v.name for v in (*situation.space.categorical, *situation.space.numeric)]
    drivers = _drivers(model, design, reference, variables, outcomes)
    base = predict(model, reference)[outcomes].mean()
    features = torch.as_tensor(model.encoding.encode(design))
    forecasts = []
    for name in outcomes:
        mean, sd = float(predicted[name]), float(predicted[f"{name}_sd"])
        if name in model.outcomes:
            outcome = model.outcomes[name]
            with torch.no_grad():
                centre, deviation = (float(part[0]) for part in outcome.mean_and_sd(features))
            reach = Z95 * deviation
            low, high = outcome.scale.from_standard(np.array([centre - reach, centre + reach]))
        elif name == DESIRABILITY and model.score is not None:
            with torch.no_grad():
                draws = model.score.predicted(model.outcomes, features)[0].numpy(force=True)
            low, high = np.quantile(draws, [0.025, 0.975])
        else:
            low, high = 0.0, 1.0
        forecasts.append(Forecast(name, mean, sd, float(low), float(high), float(base[name]), drivers[name]))
    return tuple(forecasts)


def _drivers(
    model: CampaignModel, design: pd.DataFrame, reference: pd.DataFrame, variables: list[str], outcomes: list[str]
) -> dict[str, dict[str, float]]:
    """Return Shapley values of exchanging variables, averaged over the rows of the reference.

    See Lundberg and Lee 2017, arXiv 1705.07874. With many variables the average over random orders takes the place
    of that over all; each order adds up by itself, so the sum stays exact.
    """
    n = len(variables)
    if n <= MAX_EXACT:
        coalitions = [frozenset(c) for size in range(n + 1) for c in itertools.combinations(range(n), size)]
        weight_of = [1.0 / (n * math.comb(n - 1, size)) for size in range(n)]
        steps = [
            (coalition, one, weight_of[len(coalition)])
            for coalition in coalitions
            for one in range(n)
            if one not in coalition
        ]
    else:
        rng = np.random.default_rng(0)
        orders = [rng.permutation(n).tolist() for _ in range(N_ORDERS)]
        steps = [(frozenset(order[:place]), order[place], 1.0 / N_ORDERS) for order in orders for place in range(n)]
        coalitions = list(dict.fromkeys(c for s, one, _ in steps for c in (s, s | {one})))
    tables = []
    for coalition in coalitions:
        mixed = reference.copy()
        for index in coalition:
            mixed[variables[index]] = [design[variables[index]].iloc[0]] * len(mixed)
        tables.append(mixed)
    values = predict(model, pd.concat(tables, ignore_index=True))[outcomes].to_numpy(float)
    of = dict(zip(coalitions, values.reshape(len(coalitions), len(reference), -1).mean(axis=1), strict=True))
    shares = np.zeros((n, len(outcomes)))
    for coalition, one, weight in steps:
        shares[one] += weight * (of[coalition | {one}] - of[coalition])
    return {name: dict(zip(variables, map(float, shares[:, column]), strict=True))
            for column, name in enumerate(outcomes)}  # fmt: skip


def _nearest(model: CampaignModel, design: pd.DataFrame, observed: pd.DataFrame) -> tuple[Neighbour, ...]:
    here, others = model.encoding.encode(design), model.encoding.encode(observed)
    distance = np.sqrt(((others - here) ** 2).sum(axis=1))
    near = np.argsort(distance, kind="stable")[:N_NEAREST]
    return tuple(
        Neighbour(
            int(row),
            float(distance[row]),
            tuple(str(name) for name in observed.columns if observed[name].iloc[row] != design[name].iloc[0]),
        )
        for row in near
    )
