"""Reading a campaign file: YAML 1.2 scalars, no duplicate keys, no aliases, and the line of every value."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent

from afssb_opt.campaign_file.build import build_protocol, build_spec
from afssb_opt.domain.errors import CampaignFileError, Problem
from afssb_opt.domain.protocol import Protocol
from afssb_opt.domain.spec import CampaignSpec

Lines: TypeAlias = dict[str, int]

# A campaign file is a page of text; a larger one is another file given by mistake.
MAX_BYTES = 1_000_000
# Descriptors of the levels of a variable are the deepest part; the parser takes minutes for thousands of levels.
MAX_DEPTH = 20


def load_spec(source: str | Path | Mapping[str, Any], folder: str = "") -> CampaignSpec:
    """Read and check a campaign from a file or a dictionary in the same words.

    Args:
        folder: Where modules and tables that a dictionary names are looked for; a file has its own folder.

    Raises:
        CampaignFileError: With every problem found, each with its line where there is a file.
    """
    if isinstance(source, Mapping):
        return build_spec(dict(source), source="campaign", folder=folder)
    definition, lines = read_campaign_yaml(Path(source))
    return build_spec(definition, source=str(source), lines=lines, folder=str(Path(source).resolve().parent))


def load_protocol(path: Path) -> Protocol:
    """Read cycling conditions from a YAML file, or from the `protocol` of a campaign file.

    Raises:
        CampaignFileError: With every problem found.
    """
    definition, lines = read_campaign_yaml(path)
    return build_protocol(definition, source=str(path), lines=lines)


def read_campaign_yaml(path: Path) -> tuple[dict[str, Any], Lines]:
    """Return the plain content of a YAML file and the line (1-based) of each dotted path in it.

    Raises:
        CampaignFileError: The file cannot be read, or is not one YAML mapping without aliases and duplicate keys.
    """
    text = _read_text(path)
    try:
        _refuse_tricks(path, text)
        data = YAML(typ="rt").load(io.StringIO(text))
    except DuplicateKeyError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        what = str(error.problem).split(" with value")[0].replace("found ", "")
        raise _refusal(path, what, "Keep one of the two; which one was meant cannot be guessed", line) from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise _refusal(path, f"is not valid YAML: {error.problem}", "Mend the syntax", line) from None
    except YAMLError as error:
        raise _refusal(path, f"is not valid YAML: {error}", "Mend the syntax") from None
    if not isinstance(data, CommentedMap):
        raise _refusal(path, "is not a campaign: the top level is not 'name: value' lines", "See the README's example")
    lines: Lines = {}
    return _plain(data, "", lines), lines


def _refuse_tricks(path: Path, text: str) -> None:
    """Refuse what can make a small file huge, slow or more than data, before anything is built from it."""
    depth = 0
    for event in YAML().parse(io.StringIO(text)):
        line = event.start_mark.line + 1
        if isinstance(event, AliasEvent):
            raise _refusal(path, "uses a YAML alias (*name)", "Write the value out", line)
        if getattr(event, "tag", None):
            raise _refusal(path, f"uses a YAML tag ({event.tag})", "Write the plain value", line)
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _refusal(path, f"is nested deeper than {MAX_DEPTH} levels", "A campaign needs six", line)


def _read_text(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise _refusal(path, f"has {size} bytes", f"A campaign file has at most {MAX_BYTES}")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise _refusal(path, f"cannot be read ({error.strerror})", "Give the path of a campaign file") from None
    except UnicodeDecodeError:
        raise _refusal(path, "is not UTF-8 text", "Save the file as UTF-8") from None


def _refusal(path: Path, what: str, remedy: str, line: int | None = None) -> CampaignFileError:
    return CampaignFileError([Problem("file", what, remedy, line)], source=str(path))


def _plain(node: Any, path: str, lines: Lines) -> Any:
    """Turn ruamel's containers into plain ones and note the line of each entry."""
    if isinstance(node, CommentedMap):
        plain = {}
        for key, value in node.items():
            child = f"{path}.{key}" if path else str(key)
            lines[child] = node.lc.key(key)[0] + 1
            plain[key] = _plain(value, child, lines)
        return plain
    if isinstance(node, CommentedSeq):
        items = []
        for index, value in enumerate(node):
            child = f"{path}[{index}]"
            lines[child] = node.lc.item(index)[0] + 1
            items.append(_plain(value, child, lines))
        return items
    if isinstance(node, bool) or node is None:
        return node
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return str(node)
