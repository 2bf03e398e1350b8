"""One round with a laboratory, in a temporary folder: propose, a folder of files arrives, ingest, next proposal."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from pretend_lab import work

from afssb_opt.campaign_file import load_spec

HERE = Path(__file__).parent


def main() -> None:
    """Run the commands of a week and show what each says."""
    given = sys.argv[1] if len(sys.argv) > 1 else ""
    folder = Path(given) if given else Path(tempfile.mkdtemp(prefix="afssb-lab-example-"))
    folder.mkdir(parents=True, exist_ok=True)
    campaign = folder / "lab_example.yaml"
    shutil.copyfile(HERE / "lab_example.yaml", campaign)
    afssb("propose", campaign, "--out", folder / "sheets")
    (sheet,) = (folder / "sheets").glob("*.csv")
    print("\n--- three weeks later, a folder arrives ---\n")
    work(sheet, folder / "arrived", load_spec(campaign).protocol)
    # What a folder from a laboratory also holds: a picture, a copy, a file that says nothing about its cell.
    (folder / "arrived" / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    first = min((folder / "arrived").glob("PL-*"))
    shutil.copyfile(first, folder / "arrived" / f"again, same test{first.suffix}")
    begun = first.read_bytes().splitlines(keepends=True)
    (folder / "arrived" / f"measurement 12{first.suffix}").write_bytes(b"".join(begun[: len(begun) // 2]))
    afssb("ingest", campaign, folder / "arrived", "--dry-run")
    afssb("ingest", campaign, folder / "arrived", "--yes")
    print("\n--- the same folder again changes nothing ---\n")
    afssb("ingest", campaign, folder / "arrived", "--yes")
    afssb("ingest", campaign, "--held")
    afssb("trials", campaign)
    afssb("propose", campaign, "--out", folder / "sheets")
    print(f"\nEverything lies in {folder}")


def afssb(*arguments: str | Path) -> None:
    """Run one command; stop where it fails."""
    words = [str(argument) for argument in arguments]
    print(f"$ afssb {' '.join(words)}", flush=True)
    environment = {**os.environ, "COLUMNS": os.environ.get("COLUMNS", "140")}
    subprocess.run([sys.executable, "-m", "afssb_opt.cli", *words], check=True, env=environment)


if __name__ == "__main__":
    main()
