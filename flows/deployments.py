"""Which Prefect deployments a campaign has: what each runs, when, and which form its parameters are chosen in."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

from prefect import Flow
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron, Interval, Schedule
from prefect.types.entrypoint import EntrypointType

from afssb_opt.domain.spec import CampaignSpec
from flows.advance import advance_campaign
from flows.decide import decide_drafts
from flows.ingest import ingest_results
from flows.reconcile import reconcile_campaign
from flows.report import report_campaign

# Tag of everything this package registers.
TAG: Final = "afssb"
# Advancing with nothing to do takes seconds, and a cell takes weeks: half an hour loses nothing.
DEFAULT_EVERY_MIN: Final = 30.0
# A report takes a minute of one core; nobody waits for it at night.
NIGHTLY: Final = "15 2 * * *"
# Off the full hour, when everything else of a laboratory runs.
HOURLY: Final = "40 * * * *"


@dataclass(frozen=True)
class Served:
    """A campaign that is served: its file and what stands in it."""

    path: Path
    spec: CampaignSpec


@dataclass(frozen=True)
class Kind:
    """One kind of deployment.

    Attributes:
        flow: What it runs.
        is_for: Which campaigns have it.
        schedule: When it runs by itself.
    """

    flow: Flow[..., Any]
    is_for: Callable[[CampaignSpec], bool]
    schedule: Callable[[CampaignSpec], Schedule | None]


KINDS: Final = (
    Kind(advance_campaign, lambda _: True, lambda spec: advance_schedule(spec)),
    Kind(ingest_results, lambda spec: has_inbox(spec), lambda _: None),
    Kind(decide_drafts, lambda spec: spec.needs_approval, lambda _: None),
    Kind(report_campaign, lambda _: True, lambda spec: _at(NIGHTLY, spec)),
    Kind(reconcile_campaign, lambda _: True, lambda spec: _at(HOURLY, spec)),
)


def has_inbox(spec: CampaignSpec) -> bool:
    """Tell whether results of a campaign arrive in a folder."""
    return spec.evaluator.kind == "lab" or spec.inbox is not None


def campaign_deployments(served: Served, all_served: Sequence[Served]) -> list[RunnerDeployment]:
    """Return the deployments of one campaign, named after it, with the served campaigns as choice in their forms."""
    paths = [str(other.path) for other in (served, *all_served)]
    return [_deployment(kind, served, list(dict.fromkeys(paths))) for kind in KINDS if kind.is_for(served.spec)]


def advance_schedule(spec: CampaignSpec) -> Schedule:
    """Return when a campaign is advanced: as its file says, otherwise every half hour."""
    wanted = spec.schedule
    if wanted is not None and wanted.cron:
        return Cron(wanted.cron, timezone=wanted.timezone)
    minutes = wanted.every_min if wanted is not None and wanted.every_min is not None else DEFAULT_EVERY_MIN
    return Interval(timedelta(minutes=minutes), anchor_date=datetime.now(UTC), timezone=_timezone(spec))


def starts_at_once(spec: CampaignSpec) -> bool:
    """Tell whether a campaign is advanced when serving begins; a cron line says when, and now is not that."""
    return spec.schedule is None or not spec.schedule.cron


def _at(cron: str, spec: CampaignSpec) -> Schedule:
    return Cron(cron, timezone=_timezone(spec))


def _timezone(spec: CampaignSpec) -> str:
    return spec.schedule.timezone if spec.schedule is not None else "UTC"


def _deployment(kind: Kind, served: Served, paths: list[str]) -> RunnerDeployment:
    schedule = kind.schedule(served.spec)
    deployment = with_choice(kind.flow, paths).to_deployment(
        name=served.spec.name,
        schedules=[] if schedule is None else [schedule],
        parameters={"campaign": str(served.path)},
        description=_description(kind, served.spec),
        tags=[TAG, served.spec.name],
        # No limit of Prefect's: a killed run keeps its place for five minutes, and a run whose server is away for ten
        # seconds is ended. The ledger's lease keeps two from advancing one campaign.
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    assert isinstance(deployment, RunnerDeployment)  # noqa: S101  the synchronous form returns it itself
    return deployment


def _description(kind: Kind, spec: CampaignSpec) -> str:
    doc = inspect.getdoc(kind.flow.fn) or ""
    return "\n\n".join([doc.partition("\n\nArgs:")[0], f"Campaign **{spec.name}**. {spec.question}"])


def with_choice(flow: Flow[..., Any], paths: Sequence[str]) -> Flow[..., Any]:
    """Return the flow with its `campaign` parameter as a choice among files, which Prefect shows as a list."""
    chosen = flow.with_options(description=flow.description)
    signature = inspect.signature(flow.fn, eval_str=True)
    parameters = dict(signature.parameters)
    parameters["campaign"] = parameters["campaign"].replace(annotation=Literal[tuple(paths)])
    # `inspect.signature`, which Prefect makes its form with, prefers this over the function's own.
    chosen.__signature__ = signature.replace(parameters=list(parameters.values()))  # type: ignore[attr-defined]
    return chosen
