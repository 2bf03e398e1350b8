"""How a whole campaign is written as plain files with hashes, and entered again elsewhere: ledger, file, lab files."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from afssb_opt.campaign.campaign import Campaign
from afssb_opt.campaign.stores import Stores, safe_file_name
from afssb_opt.campaign_file import load_spec
from afssb_opt.domain.errors import InputError, Problem, StoreError
from afssb_opt.ledger import CampaignRecord, Ledger

# Parts of an export; `ledger` is what `Ledger.export_campaign` writes, with a manifest of its own.
LEDGER: Final = "ledger"
CAMPAIGN_FILE: Final = "campaign.yaml"
LAB_FILES: Final = "lab"
_MANIFEST: Final = "files.json"


@dataclass(frozen=True)
class Exported:
    """What an export holds.

    Attributes:
        folder: Where it lies.
        sha256: Hash of the ledger's part, the same from every store.
        n_lab_files: Raw lab files, worked-out tables and held files beside it.
    """

    folder: Path
    sha256: str
    n_lab_files: int


def export_campaign(campaign: Campaign, folder: Path) -> Exported:
    """Write a campaign into a new folder, whole or not at all; whoever works on it meanwhile goes on.

    Raises:
        StoreError: The folder exists or cannot be written.
    """
    folder = Path.cwd() / folder
    if folder.exists():
        raise StoreError(f"{folder} exists already. Name a folder that does not, so that no file there is replaced")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            sha256 = campaign.ledger.export_campaign(campaign.uid, draft / LEDGER)
            record = campaign.ledger.campaign(campaign.spec.name) or campaign.record_of_campaign
            (draft / CAMPAIGN_FILE).write_text(yaml_text(record.definition), encoding="utf-8")
            lab = campaign.stores.lab_folder(campaign.spec.name)
            if lab.is_dir():
                shutil.copytree(lab, draft / LAB_FILES, symlinks=True)
            hashes = _hashes(draft / LAB_FILES)
            (draft / _MANIFEST).write_text(json.dumps(hashes, indent=1, sort_keys=True) + "\n", encoding="ascii")
            draft.rename(folder)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    except OSError as error:
        raise StoreError(f"no export can be written to {folder}: {error}. Name another folder") from error
    return Exported(folder, sha256, len(hashes))


def import_campaign(folder: Path, campaign_file: Path | None = None) -> tuple[CampaignRecord, Path]:
    """Enter an exported campaign into the store of a campaign file; doing it again changes nothing.

    Args:
        folder: What `export_campaign` wrote.
        campaign_file: Where the campaign file is to lie; the default is its name in the working directory. One that
            is there already is kept, and its store folder or `AFSSB_LEDGER_URL` takes the campaign.

    Raises:
        InputError: The export is damaged or incomplete; everything wrong is listed.
        CampaignFileError: The campaign file is wrong.
        StoreError: The store has another campaign or other trials under the same name or labels.
    """
    words = _checked(folder)
    spec = load_spec(folder / CAMPAIGN_FILE)
    target = campaign_file or Path.cwd() / f"{safe_file_name(spec.name)}.yaml"
    if target.exists() and load_spec(target).name != spec.name:
        problem = Problem(str(target), "is another campaign", "Name a file that does not exist, or the campaign's own")
        raise InputError([problem], source="import")
    stores = Stores.beside(target)
    stores.create_folder()
    with Ledger.create_or_open(stores.ledger_url, outbox=stores.outbox) as ledger:
        record = ledger.import_campaign(folder / LEDGER)
    lab = stores.lab_folder(spec.name)
    for name in words:
        if not (lab / name).exists():
            (lab / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copyfile(folder / LAB_FILES / name, lab / name)
    if not target.exists():
        shutil.copyfile(folder / CAMPAIGN_FILE, target)
    return record, target


def yaml_text(definition: dict[str, Any]) -> str:
    """Return a campaign's definition as a campaign file."""
    stream = io.StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = None
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    writer.dump(definition, stream)
    return stream.getvalue()


def _checked(folder: Path) -> dict[str, str]:
    """Return the hashes of the lab files, which are all there and sound."""
    remedy = "Get the export again from where it came; nothing was imported"
    try:
        words: dict[str, str] = dict(json.loads((folder / _MANIFEST).read_text(encoding="ascii")))
    except (OSError, ValueError, TypeError) as error:
        problem = Problem(_MANIFEST, f"cannot be read ({error})", "Give the folder that `afssb export` made")
        raise InputError([problem], source=str(folder)) from error
    inside = (folder / LAB_FILES).resolve()
    problems = []
    for name, sha256 in words.items():
        path = folder / LAB_FILES / name
        if not path.resolve().is_relative_to(inside) or not path.is_file():
            problems.append(Problem(name, "is missing or lies outside the folder", remedy))
        elif _sha256(path) != sha256:
            problems.append(Problem(name, "does not fit its hash", remedy))
    if problems:
        raise InputError(problems, source=str(folder))
    return words


def _hashes(folder: Path) -> dict[str, str]:
    """Return the hash of every file below a folder, by its path in it; links are left out."""
    found = {}
    for root, _, names in os.walk(folder):
        for path in (Path(root) / name for name in names):
            if path.is_file() and not path.is_symlink():
                found[path.relative_to(folder).as_posix()] = _sha256(path)
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
