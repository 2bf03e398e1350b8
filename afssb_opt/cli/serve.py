"""`afssb serve`: keep campaigns going by themselves: schedules, inbox folders, and forms in the Prefect UI."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from afssb_opt.campaign import Campaign
from afssb_opt.campaign.inbox import inbox_folder
from afssb_opt.campaign.stores import Stores
from afssb_opt.campaign_file import load_spec
from afssb_opt.cli.output import text_console
from afssb_opt.cli.ports import require_free
from afssb_opt.domain.errors import CampaignBusyError, CampaignFileError, InputError, Problem
from afssb_opt.domain.spec import CampaignSpec, Schedule
from flows.local_server import prefect_api

# Prefect's log goes to its server, where the UI shows it; the terminal gets one line per run.
os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")

# Name of the file in the server's folder that holds its address.
_ADDRESS: Final = "address"


def serve(campaigns: list[Path], port: int, webhook: str) -> None:
    """Serve the campaigns until Ctrl-C or SIGTERM.

    Raises:
        InputError: A campaign file is wrong, or two campaigns have one name.
        CampaignBusyError: This store is served already by a server of its own.
        StoreError: The port is taken, or a server does not answer.
    """
    console = text_console()
    specs = _checked(campaigns or _campaigns_here())
    for path, spec in specs.items():
        _prepare(path, spec, console)
    home = Stores.beside(next(iter(specs))).folder / "prefect" / "serve"
    with _own_server(home, port) as address, prefect_api(home, _import_flows, ui_port=port) as flows:
        served = [flows.Served(path, spec) for path, spec in specs.items()]
        if "PREFECT_HOME" in os.environ:
            flows.close_runs_of_last_time()
        console.print(f"Prefect UI   {address}   (Ctrl-C ends serving)", soft_wrap=True)
        flows.serve_until_stopped(served, webhook, tell=lambda line: _tell(console, line))


def _import_flows() -> Any:
    """Import the flows while Prefect's server starts: Prefect takes seconds."""
    import flows.serving as flows

    return flows


def _tell(console: Console, line: str) -> None:
    console.print(f"{datetime.now():%H:%M:%S}  {line}", highlight=False, soft_wrap=True)


def _campaigns_here() -> list[Path]:
    """Return the campaign files of the working directory; other YAML files are not looked at closely."""
    here = Path.cwd()
    found = sorted(path for ending in ("*.yaml", "*.yml") for path in here.glob(ending) if _looks_like_campaign(path))
    if not found:
        remedy = "Name campaign files: afssb serve CAMPAIGN..."
        raise InputError([Problem(str(here), "holds no campaign file", remedy)], source="serve")
    return found


def _looks_like_campaign(path: Path) -> bool:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    starts = {line.partition(":")[0] for line in text.splitlines()}
    return {"name", "space", "objectives", "budget"} <= starts


def _checked(campaigns: list[Path]) -> dict[Path, CampaignSpec]:
    """Return the specs by path; the problems of all files are reported at once."""
    specs: dict[Path, CampaignSpec] = {}
    problems: list[Problem] = []
    for path in dict.fromkeys(campaign.resolve() for campaign in campaigns):
        try:
            spec = load_spec(path)
        except CampaignFileError as error:
            problems += [Problem(f"{path.name}, {p.where}", p.what, p.remedy, p.line) for p in error.problems]
            continue
        same = [str(other) for other, known in specs.items() if known.name == spec.name]
        if same:
            remedy = "Give one of them another name; deployments are named after their campaign"
            problems.append(Problem(str(path), f"is called '{spec.name}' like {same[0]}", remedy))
        specs[path] = spec
    if problems:
        raise InputError(problems, source="serve")
    return specs


def _prepare(path: Path, spec: CampaignSpec, console: Console) -> None:
    """Open the campaign once, so that its records exist and an amendment is said here."""
    with Campaign.load(path) as opened:
        for change in opened.changes:
            console.print(Text("amended", style="yellow"), str(change), soft_wrap=True)
        title = f"Campaign     {spec.name}: {_when(spec.schedule)}. Records: {opened.stores.folder}"
        console.print(title, soft_wrap=True)
        if spec.evaluator.kind == "lab" or spec.inbox is not None:
            console.print(f"  inbox      {inbox_folder(spec, opened.stores, path)}", soft_wrap=True)
        if spec.needs_approval:
            console.print(f"  approval   afssb approve {path}, or 'decide-drafts' in the UI", soft_wrap=True)


def _when(schedule: Schedule | None) -> str:
    if schedule is None:
        return "advanced every 30 min"
    if schedule.cron:
        return f"advanced at '{schedule.cron}' ({schedule.timezone})"
    return f"advanced every {schedule.every_min:g} min"


@contextmanager
def _own_server(home: Path, port: int) -> Iterator[str]:
    """Keep a second server off our database, and give the address of the user interface.

    Raises:
        CampaignBusyError: Another process serves this store.
        StoreError: The port is taken.
    """
    named = os.environ.get("PREFECT_API_URL")
    if named:
        yield os.environ.get("PREFECT_UI_URL") or named.removesuffix("/api")
        return
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The kernel lets go of the lock however this process ends.
    lock = os.open(home, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        known = (home / _ADDRESS).read_text() if (home / _ADDRESS).exists() else "its terminal says where"
        raise CampaignBusyError(
            f"campaigns of this store are served already ({known}). Stop that, or join it with "
            f"PREFECT_API_URL={known}/api afssb serve CAMPAIGN..."
        ) from None
    try:
        require_free(
            port,
            f"Choose another with --port {port + 1}, "
            f"or use the Prefect server that is there: PREFECT_API_URL=http://127.0.0.1:{port}/api",
        )
        address = f"http://127.0.0.1:{port}"
        (home / _ADDRESS).write_text(address)
        yield address
    finally:
        (home / _ADDRESS).unlink(missing_ok=True)
        os.close(lock)
