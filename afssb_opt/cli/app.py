"""Which commands exist and what each takes; a command's module is imported only when it runs.

`afssb --help` must answer at once, while torch, Prefect and MLflow take seconds to import.
Exit codes: 0 done, 1 failed, 2 the input was wrong, 3 the campaign is busy, 130 interrupted, 143 terminated.
"""

from __future__ import annotations

import importlib
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from afssb_opt.domain.errors import AfssbError, CampaignBusyError, InputError

app = typer.Typer(
    name="afssb",
    help="Decide which anode-free solid-state cells to build next, and keep every result.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

CampaignArgument = Annotated[Path, typer.Argument(metavar="CAMPAIGN", help="Campaign file (YAML).", show_default=False)]
TrialArgument = Annotated[str, typer.Argument(metavar="TRIAL", help="Label of the trial, such as T0007-K.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept in the ledger.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]

INTERRUPTED = 130
TERMINATED = 143

errors = Console(stderr=True, highlight=False, markup=False, emoji=False)


def main() -> None:
    """Run the command line; every expected error becomes a message and an exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        code = app(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except InputError as error:
        errors.print(str(error), style="red", soft_wrap=True)
        sys.exit(2)
    except CampaignBusyError as error:
        errors.print(str(error), style="red", soft_wrap=True)
        sys.exit(3)
    except AfssbError as error:
        errors.print(str(error), style="red", soft_wrap=True)
        sys.exit(1)
    except Exception as error:
        # typer's own errors (unknown option, missing argument) know how to show themselves.
        show = getattr(error, "show", None)
        if show is None:
            raise
        show()
        sys.exit(int(getattr(error, "exit_code", 2)))


def _run(module: str, function: str, **arguments: Any) -> None:
    """Import `afssb_opt.cli.<module>` and call one of its functions."""
    try:
        getattr(importlib.import_module(f"afssb_opt.cli.{module}"), function)(**arguments)
    except KeyboardInterrupt:
        _say_stopped()
        raise typer.Exit(INTERRUPTED) from None
    except SystemExit as leaving:
        if leaving.code == TERMINATED:
            _say_stopped()
        raise


def _terminate(*_: object) -> None:
    """Leave on SIGTERM as on Ctrl-C: through every `finally`, so that leases and servers are let go."""
    raise SystemExit(TERMINATED)


def _say_stopped() -> None:
    errors.print("\nStopped. What was recorded is kept; the same command goes on from there.")


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False) -> None:
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"afssb-opt {version_of('afssb-opt')}")
        raise typer.Exit


@app.command()
def check(campaign: CampaignArgument, as_json: JsonOption = False) -> None:
    """Validate a campaign file and print all problems with line and remedy."""
    _run("check", "check", campaign=campaign, as_json=as_json)


@app.command()
def run(
    campaign: CampaignArgument,
    trials: Annotated[int | None, typer.Option("--trials", min=1, help="Propose at most this many more.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Advance a campaign until its budget is spent; the same command resumes it."""
    _run("run", "run", campaign=campaign, trials=trials, as_json=as_json)


@app.command()
def serve(
    campaigns: Annotated[
        list[Path] | None, typer.Argument(metavar="[CAMPAIGN...]", help="Default: the campaign files of this folder.")
    ] = None,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port of the Prefect UI.")] = 4200,
    webhook: Annotated[
        str, typer.Option("--webhook", metavar="URL", help="Send notices there: held results, drafts, shorts, the end.")
    ] = "",
) -> None:
    """Keep campaigns going: advance them on schedule, take in what arrives, offer forms in the Prefect UI."""
    _run("serve", "serve", campaigns=campaigns or [], port=port, webhook=webhook)


@app.command()
def approve(
    campaign: CampaignArgument,
    trials: Annotated[list[str] | None, typer.Argument(metavar="[TRIAL...]", help="Labels of drafts.")] = None,
    is_all: Annotated[bool, typer.Option("--all", help="All drafts that wait.")] = False,
    is_rejected: Annotated[bool, typer.Option("--reject", help="Reject them instead; needs --reason.")] = False,
    edits: Annotated[
        list[str] | None, typer.Option("--edit", metavar="NAME=VALUE", help="Change a variable first, repeatable.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the ledger.")] = "",
    out: Annotated[Path, typer.Option("--out", help="Folder for the build sheet of a lab campaign.")] = Path(),
    as_json: JsonOption = False,
) -> None:
    """Approve, edit or reject proposed designs (`approve: true`); without labels, list those that wait."""
    _run(
        "approve",
        "approve",
        campaign=campaign,
        trials=trials or [],
        is_all=is_all,
        is_rejected=is_rejected,
        edits=edits or [],
        reason=reason,
        out=out,
        as_json=as_json,
    )


@app.command()
def propose(
    campaign: CampaignArgument,
    number: Annotated[
        int | None, typer.Option("-n", "--number", min=1, help="Cells to propose; default a batch.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for the build sheet.")] = Path(),
    fix: Annotated[
        list[str] | None, typer.Option("--fix", metavar="NAME=VALUE", help="Hold a variable at a value, repeatable.")
    ] = None,
    candidates: Annotated[
        Path | None, typer.Option("--candidates", help="Choose from the designs of this CSV or Parquet table.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Register the next cells to build and write the build sheet (CSV and XLSX)."""
    _run(
        "propose",
        "propose",
        campaign=campaign,
        number=number,
        out=out,
        fix=fix or [],
        candidates=candidates,
        as_json=as_json,
    )


@app.command()
def explain(campaign: CampaignArgument, trial: TrialArgument, as_json: JsonOption = False) -> None:
    """Say why a design was proposed: prediction, expected gain, drivers, nearest cells."""
    _run("explain", "explain", campaign=campaign, trial=trial, as_json=as_json)


@app.command()
def ingest(
    campaign: CampaignArgument,
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH...", help="Tables, cycler files, folders.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done; record nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Record what is clean, hold the rest; ask nothing.")] = False,
    is_held: Annotated[bool, typer.Option("--held", help="List what waits for a person.")] = False,
    accept: Annotated[list[str] | None, typer.Option("--accept", metavar="KEY", help="Record a held part.")] = None,
    drop: Annotated[list[str] | None, typer.Option("--drop", metavar="KEY", help="Drop a held part.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why a held part is accepted or dropped.")] = "",
    trial: Annotated[str, typer.Option("--trial", help="All files belong to this trial.")] = "",
    area_cm2: Annotated[
        float | None, typer.Option("--area-cm2", min=0.001, help="Electrode area of cells that no table gives.")
    ] = None,
    sheet: Annotated[str, typer.Option("--sheet", help="Sheet of a workbook that holds the results.")] = "",
    settle_s: Annotated[
        float, typer.Option("--settle-s", min=0, help="Leave files changed in the last seconds for the next time.")
    ] = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Plug in lab results: show what would be done, then record it once."""
    _run(
        "ingest",
        "ingest",
        campaign=campaign,
        paths=paths or [],
        dry_run=dry_run,
        yes=yes,
        is_held=is_held,
        accept=accept or [],
        drop=drop or [],
        reason=reason,
        trial=trial,
        area_cm2=area_cm2,
        sheet=sheet,
        settle_s=settle_s,
        as_json=as_json,
    )


@app.command()
def status(
    campaign: CampaignArgument,
    advice: Annotated[
        bool, typer.Option("--advice", help="Ask the surrogate whether another batch is worth it; takes seconds.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say where a campaign stands: trials by state, best cells, what is left."""
    _run("show", "status", campaign=campaign, advice=advice, as_json=as_json)


@app.command()
def trials(
    campaign: CampaignArgument,
    out: Annotated[Path | None, typer.Option("--out", help="Write the table to this CSV file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List all trials with design, outcomes, state and reason."""
    _run("show", "trials", campaign=campaign, out=out, as_json=as_json)


@app.command()
def report(
    campaign: CampaignArgument,
    out: Annotated[Path | None, typer.Option("--out", help="File to write; default in the store folder.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write the campaign's report: one self-contained HTML page."""
    _run("show", "report", campaign=campaign, out=out, as_json=as_json)


@app.command()
def simulate(
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A variable of the design, repeatable.")
    ] = None,
    designs: Annotated[Path | None, typer.Option("--designs", help="CSV or Parquet table, one cell per row.")] = None,
    protocol: Annotated[Path | None, typer.Option("--protocol", help="YAML file with protocol settings.")] = None,
    cluster: Annotated[
        str | None, typer.Option("--cluster", metavar="ADDRESS", help="Dask scheduler to simulate on.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="CSV or Parquet file for outcomes (or one cell's cycles).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Cycle one or many simulated cells."""
    _run(
        "simulate",
        "simulate",
        assignments=assignments or [],
        designs=designs,
        protocol=protocol,
        cluster=cluster,
        out=out,
        as_json=as_json,
    )


@app.command()
def ui(
    campaign: Annotated[Path | None, typer.Argument(metavar="[CAMPAIGN]", help="Default: ./afssb-store.")] = None,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port of the MLflow UI.")] = 5000,
) -> None:
    """Open the MLflow UI on the store in use; Ctrl-C ends it."""
    _run("ui", "ui", campaign=campaign, port=port)


@app.command()
def doctor(
    campaign: Annotated[Path | None, typer.Argument(metavar="[CAMPAIGN]", help="Check its stores too.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Rebuild the MLflow mirror from the ledger.")] = False,
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Bring the ledger of an older release up to this one; a copy is kept.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check servers, versions, stores and mirror, and say what to mend."""
    _run("doctor", "doctor", campaign=campaign, repair=repair, upgrade=upgrade, as_json=as_json)


@app.command()
def trust(
    campaign: CampaignArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    is_revoking: Annotated[bool, typer.Option("--revoke", help="Take the permission back.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Allow the code (`python`, `pybamm`) and the cluster that a campaign names; before that neither is used."""
    _run("trust", "trust", campaign=campaign, yes=yes, is_revoking=is_revoking, as_json=as_json)


@app.command()
def export(
    campaign: CampaignArgument,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New folder for the files.", show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """Write a whole campaign as plain files with hashes: record, campaign file, lab files."""
    _run("portable", "export", campaign=campaign, folder=folder, as_json=as_json)


@app.command("import")
def import_(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `afssb export` wrote.", show_default=False)],
    campaign: Annotated[
        Path | None, typer.Argument(metavar="[CAMPAIGN]", help="Where its file is to lie; default its name here.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Enter an exported campaign into the store in use; again changes nothing."""
    _run("portable", "import_", folder=folder, campaign=campaign, as_json=as_json)


@app.command()
def backup(
    campaign: CampaignArgument,
    target: Annotated[Path, typer.Argument(metavar="FILE", help="New file for the copy.", show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """Copy the whole ledger file while it is in use."""
    _run("portable", "backup", campaign=campaign, target=target, as_json=as_json)


def _decision(action: str, text: str) -> None:
    """Register one command that records a reversible decision about a trial."""

    def decide(
        campaign: CampaignArgument, trial: TrialArgument, reason: ReasonOption, as_json: JsonOption = False
    ) -> None:
        _run("decide", "decide", campaign=campaign, trial=trial, action=action, reason=reason, as_json=as_json)

    decide.__doc__ = text
    app.command(action)(decide)


_decision("exclude", "Keep a result out of the surrogate, for instance an outlier; undone by `include`.")
_decision("include", "Let an excluded result count again.")
_decision("void", "Declare a trial invalid; undone by `restore`.")
_decision("abandon", "Give up an open trial; undone by `restore`.")
_decision("restore", "Bring a void or abandoned trial back.")
