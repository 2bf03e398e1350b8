"""Prefect flows: thin wrappers around the plain steps of `afssb_opt.campaign`."""
