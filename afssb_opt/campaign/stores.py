"""Where a campaign's records lie: the folder beside the campaign file, or what the environment names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from afssb_opt.domain.errors import StoreError
from afssb_opt.ledger import Outbox

FOLDER_NAME = "afssb-store"


@dataclass(frozen=True)
class Stores:
    """The folder of everything that is written, and the address of the ledger.

    Attributes:
        folder: `AFSSB_HOME`, or `afssb-store` beside the campaign file, so that the same file finds the same
            records from every working directory.
        ledger_url: `AFSSB_LEDGER_URL`, or a SQLite file in the folder.
    """

    folder: Path
    # It may hold a password, which a printed object must not show.
    ledger_url: str = field(repr=False)

    @classmethod
    def beside(cls, source: str | Path | Mapping[str, Any]) -> Stores:
        """Return the stores of a campaign file, or of the working directory for a dictionary."""
        home = os.environ.get("AFSSB_HOME")
        if home:
            folder = Path(home).expanduser()
        elif isinstance(source, Mapping):
            folder = Path.cwd() / FOLDER_NAME
        else:
            folder = Path(source).resolve().parent / FOLDER_NAME
        folder = folder.resolve()
        return cls(folder, os.environ.get("AFSSB_LEDGER_URL") or f"sqlite:///{folder / 'ledger.db'}")

    def create_folder(self) -> None:
        """Make the folder, private to the user.

        Raises:
            StoreError: The folder cannot be made or written.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the store folder {self.folder} cannot be made ({error.strerror}). "
                "Choose a writable one with AFSSB_HOME=/path/to/folder"
            ) from None
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise StoreError(
                f"the store folder {self.folder} is not writable. "
                "Mend its permissions, or choose another with AFSSB_HOME=/path/to/folder"
            )

    @property
    def outbox(self) -> Outbox:
        """Where results wait while the ledger does not answer."""
        return Outbox.of_store(self.folder)

    def lab_folder(self, campaign_name: str) -> Path:
        """Return the folder that holds one folder of lab files per trial label."""
        return self.folder / "lab" / safe_file_name(campaign_name)

    def report_path(self, campaign_name: str) -> Path:
        """Return where the report of a campaign is written."""
        return self.folder / "reports" / f"{safe_file_name(campaign_name)}.html"


def safe_file_name(name: str) -> str:
    """Return a name that every file system takes, still recognisable."""
    return "".join(character if character.isalnum() or character in "-_." else "_" for character in name).strip(".")
