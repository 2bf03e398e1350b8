"""Whether an archive (.xlsx, .ndax) may be unpacked: few members, sane sizes and ratios, no macros, no links."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

from afssb_opt.lab.findings import UnreadableError, refuse

# A workbook has a few dozen members, an .ndax one per channel; thousands are an attack.
MAX_MEMBERS: Final = 2000
# A million rows of a tester unpack to about 200 MB.
MAX_UNPACKED_BYTES: Final = 1_000_000_000
# Tables of numbers shrink 5 to 20 times; 1000 times is a bomb. Small members may shrink more (all zeros).
MAX_RATIO: Final = 200.0
RATIO_MATTERS_BYTES: Final = 10_000_000
_FOREIGN: Final = ("vbaproject.bin", "externallinks/", "activex/", "embeddings/")


def check_archive(path: Path) -> None:
    """Refuse an archive that is damaged or hostile, from its list of members and checksums.

    Raises:
        UnreadableError: With the reason.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_members(members)
            damaged = archive.testzip()
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError, RuntimeError, ValueError) as error:
        raise refuse(
            "file.damaged", f"the archive cannot be opened ({error})", "a complete file", "Copy or save the file again"
        ) from None
    except UnreadableError:
        raise
    # zlib and lzma raise errors of their own on damaged members.
    except Exception as error:
        raise refuse(
            "file.damaged", f"a member cannot be unpacked ({error})", "a complete file", "Copy or save the file again"
        ) from None
    if damaged is not None:
        raise refuse("file.damaged", f"member {damaged} has a wrong checksum", "a complete file", "Copy the file again")


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MAX_MEMBERS:
        raise refuse("file.archive", f"{len(members)} members", f"at most {MAX_MEMBERS}", "Send the tables one by one")
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if unpacked > MAX_UNPACKED_BYTES or (unpacked > RATIO_MATTERS_BYTES and unpacked > MAX_RATIO * max(packed, 1)):
        raise refuse(
            "file.archive",
            f"unpacks from {packed} to {unpacked} bytes",
            f"{MAX_UNPACKED_BYTES} bytes and {MAX_RATIO:g} times",
            "Save the values alone in a new file",
        )
    for member in members:
        name = member.filename.lower().replace("\\", "/")
        if name.startswith("/") or ".." in name.split("/"):
            raise refuse("file.archive", f"member '{member.filename}' points outside", "plain names", "Save it again")
        if any(part in name for part in _FOREIGN):
            raise refuse(
                "file.archive",
                f"contains '{member.filename}'",
                "values and formats only",
                "Save it as a plain .xlsx without macros, links and embedded objects",
            )
        if member.flag_bits & 1:
            raise refuse("file.archive", "is encrypted", "an open file", "Save it without a password")
