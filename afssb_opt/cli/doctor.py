"""`afssb doctor`: does everything a campaign needs work here, and if not, what mends it?"""

from __future__ import annotations

import os
import platform
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from rich.table import Table
from rich.text import Text

from afssb_opt.campaign import Campaign
from afssb_opt.campaign.lease import hold_lease
from afssb_opt.campaign.stores import Stores
from afssb_opt.cli.output import print_json, text_console
from afssb_opt.domain.errors import AfssbError, CampaignBusyError, StoreError, StrategyError
from afssb_opt.ledger import upgrade_store
from afssb_opt.strategies.devices import DEVICE_VARIABLE, device_of_machine, read_device

# Importing a server takes seconds; one that hangs is broken too.
IMPORT_SECONDS = 120


@dataclass(frozen=True)
class Finding:
    """One check: what was looked at, whether it is right, what was seen, and what mends it."""

    what: str
    is_right: bool
    seen: str
    remedy: str = ""


def doctor(campaign: Path | None, repair: bool, upgrade: bool, as_json: bool) -> None:
    """Print all findings.

    Raises:
        StoreError: At least one of them needs mending.
    """
    if campaign is None and (repair or upgrade):
        raise StoreError("--repair and --upgrade work on a campaign's stores; name it: afssb doctor CAMPAIGN --upgrade")
    findings = [*_installation()]
    if campaign is not None:
        if upgrade:
            findings.append(_upgrade(campaign))
        findings += _stores(campaign, repair)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        table = Table(show_header=False)
        for finding in findings:
            mark = Text("ok", style="green") if finding.is_right else Text("mend", style="red")
            table.add_row(mark, finding.what, finding.seen + (f"\n{finding.remedy}" if finding.remedy else ""))
        text_console().print(table)
    wrong = [finding.what for finding in findings if not finding.is_right]
    if wrong:
        raise StoreError(f"to mend: {', '.join(wrong)}")


def _installation() -> Iterator[Finding]:
    is_new_enough = sys.version_info >= (3, 11)
    yield Finding("Python", is_new_enough, platform.python_version(), "" if is_new_enough else "Install 3.11 or newer")
    wrong = list(_unmet_requirements())
    yield Finding(
        "versions",
        not wrong,
        "; ".join(wrong) or "all requirements are met",
        "Install the lock: make clean demo" if wrong else "",
    )
    for what, module in (("Prefect server", "prefect.server.api.server"), ("MLflow", "mlflow.server")):
        yield _imports(what, module)
    yield _device()
    phones = [
        name
        for name, off in (
            ("MLFLOW_DISABLE_TELEMETRY", "true"),
            ("DO_NOT_TRACK", "true"),
            ("PREFECT_SERVER_ANALYTICS_ENABLED", "false"),
        )
        if os.environ.get(name) != off
    ]
    yield Finding(
        "telemetry",
        not phones,
        f"on by {', '.join(phones)}" if phones else "off",
        "Remove these variables from the environment" if phones else "",
    )


def _device() -> Finding:
    try:
        device = read_device(device_of_machine())
    except StrategyError as error:
        return Finding("device", False, str(error), f"Set {DEVICE_VARIABLE} to one of these, or remove it")
    return Finding("device", True, f"models compute on {device}")


def _unmet_requirements() -> Iterator[str]:
    for line in requires("afssb-opt") or []:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            yield f"{requirement.name} is not installed"
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            yield f"{requirement.name} is {found}, needed {requirement.specifier}"


def _imports(what: str, module: str) -> Finding:
    command = [sys.executable, "-c", f"import {module}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=IMPORT_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return Finding(what, False, f"import {module} took over {IMPORT_SECONDS} s", "Is the machine out of memory?")
    last = (done.stderr.strip().splitlines() or [""])[-1]
    if done.returncode != 0:
        return Finding(what, False, f"cannot be imported: {last}", "Install the lock: make clean demo")
    return Finding(what, True, version(module.partition(".")[0]))


def _upgrade(path: Path) -> Finding:
    try:
        done = upgrade_store(Stores.beside(path).ledger_url)
    except AfssbError as error:
        return Finding("upgrade", False, str(error))
    if done.before == done.after:
        return Finding("upgrade", True, f"version {done.after} is this release's")
    kept = "" if done.copy is None else f"; the store as it was: {done.copy}"
    return Finding("upgrade", True, f"from version {done.before} to {done.after}{kept}")


def _stores(path: Path, repair: bool) -> list[Finding]:
    try:
        opened = Campaign.load(path, read_only=True)
    except AfssbError as error:
        return [Finding("campaign", False, str(error))]
    with opened:
        folder = opened.stores.folder
        is_private = not folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        findings = [
            Finding(
                "store folder",
                is_private and os.access(folder, os.W_OK),
                str(folder),
                "" if is_private else f"Others can read it: chmod 700 {folder}",
            ),
        ]
        problems = opened.ledger.check()
        findings.append(
            Finding(
                "ledger",
                not problems,
                "; ".join(map(str, problems)) or f"{len(opened.trials())} trials, integrity holds",
                "Restore a backup, and keep this file" if problems else "",
            )
        )
        findings.append(_outbox(opened))
        try:
            with hold_lease(opened.ledger, opened.uid):
                findings.append(Finding("lock", True, "free"))
        except CampaignBusyError as error:
            findings.append(Finding("lock", True, str(error)))
        findings.append(_mirror(opened, repair))
    return findings


def _outbox(opened: Campaign) -> Finding:
    outbox = opened.stores.outbox
    waiting, refused = outbox.waiting(), outbox.refused()
    if not waiting and not refused:
        return Finding("outbox", True, "empty: the ledger has every result")
    seen = f"{len(waiting)} results wait, {len(refused)} were refused: {', '.join(map(str, [*waiting, *refused][:5]))}"
    return Finding("outbox", False, seen, "`afssb run` hands in what waits; look into what was refused")


def _mirror(opened: Campaign, repair: bool) -> Finding:
    # MLflow, plotly and torch take seconds to import; without a campaign the doctor does not need them.
    from afssb_opt.campaign.window import Window, surrogate_view

    surrogate = surrogate_view(opened) if repair else None
    warnings = Window(opened).update(has_report=repair, surrogate=surrogate, is_rewrite=repair)
    seen = "; ".join(warnings) or ("rebuilt from the ledger" if repair else "up to date")
    return Finding("MLflow mirror", not warnings, seen)
