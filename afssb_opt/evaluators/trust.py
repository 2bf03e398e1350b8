"""Whether the user has allowed the code and the cluster that a campaign names; without that neither is used."""

from __future__ import annotations

import hashlib
import json
import os
import site
import sysconfig
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from afssb_opt.domain.errors import EvaluationError
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.evaluators.foreign_code import locate

# Folders and files whose code the user allows for good, separated as in PYTHONPATH; for services and own plug-ins.
VARIABLE: Final = "AFSSB_TRUSTED_CODE"
# Addresses of Dask schedulers, separated by spaces, that the user allows for good.
CLUSTER_VARIABLE: Final = "AFSSB_TRUSTED_CLUSTERS"


@dataclass(frozen=True)
class NamedCode:
    """Code that a campaign names and that Python's own installation does not vouch for.

    Attributes:
        target: `module:function`.
        file: The file that would run first.
        sha256: Hash of it and of every Python file it could import from beside it.
    """

    target: str
    file: Path
    sha256: str


def named_code(spec: CampaignSpec) -> list[NamedCode]:
    """Return the code a campaign names that is not installed, without running any of it.

    Installed packages are taken as they are: who installs one has decided to run it.

    Raises:
        EvaluationError: A module does not exist.
    """
    chosen = spec.evaluator
    if chosen.kind not in ("python", "pybamm"):
        return []
    targets = [target for target in (chosen.target, chosen.outcomes) if target]
    found = []
    for target in targets:
        file = locate(target, chosen.folder).file
        if file is not None and not _is_installed(file):
            found.append(NamedCode(target, file.resolve(), _sha256(file.resolve())))
    return found


def named_cluster(spec: CampaignSpec) -> str:
    """Return the address of the cluster a campaign names, empty without one.

    Who answers there gets the designs and the code, and sends objects back whose unpacking runs code here. The user
    allows an address, whichever campaign names it.
    """
    return spec.cluster.address if spec.cluster else ""


def require_trust(spec: CampaignSpec) -> None:
    """Refuse a campaign whose code the user has not allowed as it is now, or whose cluster not at all.

    Raises:
        EvaluationError: It names such code or such a cluster, or a module that does not exist.
    """
    address = named_cluster(spec)
    if address and address not in os.environ.get(CLUSTER_VARIABLE, "").split() and _cluster_key(address) not in _read():
        raise EvaluationError(
            f"cluster {address} has not been allowed yet, so nothing was sent there. Whoever answers under a "
            "scheduler's address can run code here. If it is yours, allow it with `afssb trust CAMPAIGN` or "
            f"{CLUSTER_VARIABLE}={address}; otherwise remove `cluster:` from the campaign file"
        )
    allowed = [Path(place).expanduser().resolve() for place in os.environ.get(VARIABLE, "").split(os.pathsep) if place]
    known = _read()
    for code in named_code(spec):
        if any(code.file.is_relative_to(place) for place in allowed):
            continue
        entry = known.get(_key(spec, code))
        if entry is not None and entry["sha256"] == code.sha256:
            continue
        why = "has not been allowed yet" if entry is None else f"was changed since it was allowed on {entry['at']}"
        raise EvaluationError(
            f"evaluator {code.target}: its code {code.file} {why}, so nothing of it was run. Read it (and what it "
            f"imports from beside it), then allow it with `afssb trust CAMPAIGN`; code of your own can be allowed for "
            f"good by its folder: {VARIABLE}={code.file.parent}"
        )


def allow(spec: CampaignSpec) -> list[NamedCode]:
    """Allow the code of a campaign as it is now, for this user and this campaign folder, and return it.

    The cluster it names is allowed too, for this user.

    Raises:
        EvaluationError: A module does not exist, or the list of allowed code cannot be written.
    """
    found = named_code(spec)
    entries = {
        _key(spec, code): {"sha256": code.sha256, "at": f"{datetime.now(UTC):%Y-%m-%d}", "file": str(code.file)}
        for code in found
    }
    if address := named_cluster(spec):
        entries[_cluster_key(address)] = {"sha256": "", "at": f"{datetime.now(UTC):%Y-%m-%d}"}
    if entries:
        _write({**_read(), **entries})
    return found


def revoke(spec: CampaignSpec) -> list[NamedCode]:
    """Take the permission back.

    Raises:
        EvaluationError: As `allow`.
    """
    found = named_code(spec)
    gone = {_key(spec, code) for code in found} | {_cluster_key(named_cluster(spec))}
    _write({key: entry for key, entry in _read().items() if key not in gone})
    return found


def trust_file() -> Path:
    """Return where the user's permissions are kept: never in a folder that comes with a campaign."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "afssb" / "trusted-code.json"


def _key(spec: CampaignSpec, code: NamedCode) -> str:
    return f"{Path(spec.evaluator.folder).resolve()} {code.target}"


def _cluster_key(address: str) -> str:
    return f"cluster {address}"


def _is_installed(file: Path) -> bool:
    paths = sysconfig.get_paths()
    libraries = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    places = {*site.getsitepackages(), site.getusersitepackages(), *libraries}
    # Compared as written: an environment's folder may be a link, and a link to a file in it was put there by hand.
    return any(file.is_relative_to(place) for place in places if place)


def _sha256(file: Path) -> str:
    """Hash a module, or the whole package it belongs to, and the Python files beside it."""
    files = {file, *file.parent.rglob("*.py")} if file.name == "__init__.py" else {file}
    home = file.parent.parent if file.name == "__init__.py" else file.parent
    digest = hashlib.sha256()
    for path in sorted(files | set(home.glob("*.py"))):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(home)}\0{content}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _read() -> dict[str, dict[str, str]]:
    try:
        words = json.loads(trust_file().read_text(encoding="utf-8"))
        return {str(key): {"sha256": str(entry["sha256"]), "at": str(entry["at"])} for key, entry in words.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise EvaluationError(
            f"the list of allowed code {trust_file()} cannot be read ({error}), so no code of campaigns is run. "
            "Mend it, or delete it and allow the code again"
        ) from error


def _write(entries: dict[str, dict[str, str]]) -> None:
    path = trust_file()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd, draft = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(fd, "w", encoding="utf-8") as stream:
            json.dump(entries, stream, indent=1, sort_keys=True)
        Path(draft).replace(path)
    except OSError as error:
        raise EvaluationError(
            f"the list of allowed code {path} cannot be written ({error.strerror}). Name a folder of your own with "
            f"XDG_CONFIG_HOME, or allow the folder of the code: {VARIABLE}"
        ) from error
