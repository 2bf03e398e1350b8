"""The loop as plain steps: propose, evaluate, record, and where a campaign stands.

Only `Campaign` is imported here: `proposing` needs torch, `evaluating` numba and `window` MLflow, which take seconds.
"""

from afssb_opt.campaign.campaign import Campaign

__all__ = ["Campaign"]
