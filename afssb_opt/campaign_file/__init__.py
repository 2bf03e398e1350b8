"""From a campaign file or dictionary to a checked `CampaignSpec`, with every problem reported at once."""

from afssb_opt.campaign_file.amendments import Amendment, compare_definitions
from afssb_opt.campaign_file.build import build_design_task, build_spec
from afssb_opt.campaign_file.read import load_protocol, load_spec, read_campaign_yaml
from afssb_opt.campaign_file.space import parse_space

__all__ = [
    "Amendment",
    "build_design_task",
    "build_spec",
    "compare_definitions",
    "load_protocol",
    "load_spec",
    "parse_space",
    "read_campaign_yaml",
]
