"""How MLflow's own user interface is started on the stores in use."""

from __future__ import annotations

import sys
from pathlib import Path

from afssb_opt.domain.errors import StoreError
from afssb_opt.tracking.calls import mlflow_calls
from afssb_opt.tracking.stores import open_client, resolve_tracking
from afssb_opt.tracking.table_view import runs_address


def ui_command(store_folder: Path, port: int) -> tuple[list[str], dict[str, str]]:
    """Return the command and the environment variables that serve the UI on loopback.

    Raises:
        StoreError: `MLFLOW_TRACKING_URI` is of a kind that holds no campaign.
    """
    place = resolve_tracking(store_folder)
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", place.uri]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    if place.artifact_root is not None:
        command += ["--default-artifact-root", place.artifact_root]
    # Job execution starts eight further processes and 1.1 GB for features that a campaign does not use.
    return command, {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def runs_page(store_folder: Path, port: int, campaign_name: str | None) -> str:
    """Return the address of a campaign's table of runs; MLflow's own start page shows none of them.

    Raises:
        StoreError: The store is not MLflow's, or of another version.
    """
    address = f"http://127.0.0.1:{port}"
    if campaign_name is None:
        return address
    return _page(store_folder, address, campaign_name) or address


def experiment_page(store_folder: Path, campaign_name: str) -> str:
    """Return the address of a campaign's table of runs on a tracking server, empty where there is no server."""
    place = resolve_tracking(store_folder)
    if not place.uri.startswith(("http://", "https://")):
        return ""
    try:
        return _page(store_folder, place.uri.rstrip("/"), campaign_name)
    except StoreError:
        return ""


def _page(store_folder: Path, address: str, campaign_name: str) -> str:
    place = resolve_tracking(store_folder)
    client = open_client(place.uri, place.artifact_root)
    with mlflow_calls(place.uri):
        experiment = client.get_experiment_by_name(campaign_name)
    return "" if experiment is None else runs_address(address, experiment.experiment_id, experiment.tags)
