"""What others see of a campaign: the MLflow mirror of the ledger, figures and the HTML report.

Import from the modules, so that a report does not load MLflow and a table of progress loads neither it nor plotly:
`mirror.Mirror`, `stores.resolve_tracking`, `report.write_report`, `progress.progress_table`, `answer.answer`.
"""
