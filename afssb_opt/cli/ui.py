"""`afssb ui`: the MLflow UI on the stores in use."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from afssb_opt.campaign.stores import FOLDER_NAME, Stores
from afssb_opt.campaign_file import load_spec
from afssb_opt.cli.output import text_console
from afssb_opt.cli.ports import require_free
from afssb_opt.domain.errors import StoreError
from afssb_opt.tracking.ui import runs_page, ui_command


def ui(campaign: Path | None, port: int) -> None:
    """Start the MLflow UI on loopback and wait for it to end.

    Raises:
        StoreError: There is no store yet, or the port is taken.
    """
    stores = Stores.beside(campaign if campaign is not None else Path.cwd() / "campaign.yaml")
    if "MLFLOW_TRACKING_URI" not in os.environ and not (stores.folder / "mlflow.db").exists():
        raise StoreError(
            f"there is nothing to look at in {stores.folder} yet. Run a campaign first, "
            f"or name the campaign whose {FOLDER_NAME} folder is elsewhere: afssb ui CAMPAIGN"
        )
    require_free(port, f"Choose another: afssb ui --port {port + 1}")
    command, environment = ui_command(stores.folder, port)
    console = text_console()
    name = load_spec(campaign).name if campaign is not None else None
    console.print(f"MLflow UI   {runs_page(stores.folder, port, name)}", soft_wrap=True)
    console.print("            takes some seconds to start; Ctrl-C ends it")
    console.print(f"store       {stores.folder}", soft_wrap=True)
    server = subprocess.Popen(command, env={**os.environ, **environment})  # noqa: S603  MLflow's own command line
    try:
        code = server.wait()
    finally:
        if server.poll() is None:
            server.terminate()
            server.wait(timeout=20)
    if code != 0:
        raise StoreError(f"MLflow's UI ended with exit code {code}; its messages stand above")
