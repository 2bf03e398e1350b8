"""How a flow run of thousands of tasks lets go of what Prefect keeps of each of them until the run ends."""

from __future__ import annotations

from prefect.context import FlowRunContext


def forget_tasks() -> None:
    """Drop Prefect's notes on the tasks that have ended; call it in the flow, between its rounds.

    From the notes Prefect draws lines between tasks in its UI, from one whose result is handed to another, and between
    their assets. Our tasks hand over neither, but the notes take half a kilobyte per task. What else Prefect keeps, an
    event to cancel each submitted task by, is its task runner's and ends with that.
    """
    context = FlowRunContext.get()
    if context is not None:
        context.run_results.clear()
        context.task_run_assets.clear()
