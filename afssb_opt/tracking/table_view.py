"""How MLflow's table of runs opens: with the designs and outcomes of the campaign instead of MLflow's own columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.tracking.trial_run import mlflow_key

_KEY: Final = "afssb"
# MLflow's "share view" keeps the columns of a table in such a tag of the experiment, and its address names the key.
VIEW_TAG: Final = f"mlflow.sharedViewState.{_KEY}"

# Without it, MLflow 3 opens with the pages that it has for language models.
TRAINING_PAGES: Final = "?workflowType=machine_learning"

# Width of a column in pixels: what MLflow's letters and margins take, within what lets the four variables and three
# or four outcomes of a usual campaign stand side by side on a screen of 1440.
_LETTER_PX: Final = 6
_MARGIN_PX: Final = 24
_MOST_PX: Final = 120


def table_view(spec: CampaignSpec) -> str:
    """Return the columns worth showing as MLflow keeps them: design, outcomes, state and reason."""
    names = {
        **{f"params.`{mlflow_key(name)}`": name for name in spec.space.names},
        **{f"metrics.`{mlflow_key(name)}`": name for name in spec.shown_outcomes},
        **{f"tags.`{name}`": name for name in ("afssb.state", "afssb.reason")},
    }
    columns = list(names)
    widths = {column: min(_MARGIN_PX + _LETTER_PX * len(name), _MOST_PX) for column, name in names.items()}
    return json.dumps({"selectedColumns": columns, "columnOrder": columns, "columnWidths": widths})


def runs_address(server: str, experiment_id: str, tags: Mapping[str, str]) -> str:
    """Return the address of an experiment's table of runs, in the columns of the campaign where they are kept.

    Args:
        server: Address of the server.
        experiment_id: MLflow's number of the experiment.
        tags: Those of the experiment; MLflow complains about a view that is not among them.
    """
    address = f"{server}/#/experiments/{experiment_id}/runs{TRAINING_PAGES}"
    return f"{address}&viewStateShareKey={_KEY}" if VIEW_TAG in tags else address
