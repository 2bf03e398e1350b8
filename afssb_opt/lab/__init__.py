"""From the files of a laboratory to outcomes: read, normalise, check, match, work out, plan; it writes no ledger.

Only what needs no reader of foreign files is imported here; see `planning.make_plan` for the way through.
"""
