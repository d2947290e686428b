"""Whether a unit on disk is just what its ledger says.

In: the folder, a unit's name and its ledger's sha256. Out: yes or no; whatever cannot be read is a
no. It costs a hash of each file, and asks nobody what is wanted there.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from modelmill.output.disk import DISK, FOLDER, Disk, read_file
from modelmill.output.ground import open_generated
from modelmill.output.ledger import LEDGER, fingerprint, read_ledger


def verified(root: Path, generated: str, name: str, digest: str, disk: Disk = DISK) -> bool:
    """Whether a unit holds the files its ledger records, and nothing else, and that ledger has this
    sha256 in hexadecimal."""
    try:
        _, folder = open_generated(root, generated, disk)
        if folder is None:
            return False
        for part in name.split("/"):
            above = folder
            try:
                folder = disk.open(part, FOLDER, above)
            finally:
                disk.close(above)
        try:
            data, _ = read_file(disk, LEDGER, folder)
            recorded = read_ledger(data) if sha256(data).hexdigest() == digest else None
            found = None if recorded is None else _matching(disk, folder, "", recorded)
            return found is not None and found == len(recorded or ())
        finally:
            disk.close(folder)
    except OSError:
        return False


def _matching(disk: Disk, folder: int, path: str, recorded: Mapping[str, str]) -> int | None:
    """How many files there are in a directory, all of them as recorded; None where anything else
    is in it, or nothing."""
    count = 0
    entries = disk.entries(folder)
    for name, kind in entries.items():
        place = path + name
        if place == LEDGER:
            continue
        inside: int | None = None
        if kind == "file" and place in recorded:
            data, _ = read_file(disk, name, folder)
            inside = 1 if fingerprint(data) == recorded[place] else None
        elif kind == "folder":
            below = disk.open(name, FOLDER, folder)
            try:
                inside = _matching(disk, below, f"{place}/", recorded)
            finally:
                disk.close(below)
        if inside is None:
            return None
        count += inside
    return count if entries else None
