"""Files that are kept between compiles: where they are, and which of them can be believed.

In: a repository's root, or a file's path. Out: what was kept there. Imports little, as it runs
before everything else.
"""

from __future__ import annotations

import marshal
import os
import sys

TYPE_CHECKING = False  # typing's own takes longer to import than all of this
if TYPE_CHECKING:
    from hashlib import blake2b
    from typing import Any
else:
    try:
        from _blake2 import blake2b  # hashlib takes 2 ms to import
    except ImportError:
        from hashlib import blake2b

FORMAT = 1
FOLDER = "MODELMILL_CACHE_DIR"


def folder_of(root: str) -> str | None:
    """Where what is known of a repository is kept: outside of it, as whoever can write to the
    repository must not be able to write there. None: nowhere, as caches are turned off or there is
    no home."""
    given = os.environ.get(FOLDER)
    base = given if given is not None else os.environ.get("XDG_CACHE_HOME") or _home_cache()
    if not base or not os.path.isabs(base):
        return None
    name = blake2b(os.fsencode(os.path.realpath(root)), digest_size=16).hexdigest()
    return os.path.join(base, name) if given is not None else os.path.join(base, "modelmill", name)


def _home_cache() -> str:
    home = os.path.expanduser("~")
    return os.path.join(home, ".cache") if os.path.isabs(home) else ""


def content(data: bytes) -> bytes:
    """A digest of what a file holds."""
    return blake2b(data, digest_size=16).digest()


def load(path: str) -> Any:
    """What was kept in a file; None where there is none, it is damaged, or another version's. Only
    files that nobody else can write are believed."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        about = os.fstat(fd)
        if about.st_uid != os.getuid() or about.st_mode & 0o022:
            return None
        data = os.read(fd, about.st_size) if about.st_size < 1 << 31 else b""
    except OSError:
        return None
    finally:
        os.close(fd)
    head = _head(data[_HEAD:])
    return marshal.loads(memoryview(data)[_HEAD:]) if data[:_HEAD] == head else None


_HEAD = 32


def _head(body: bytes) -> bytes:
    """The start of a file: of which format and Python, and that it is whole."""
    told = b"modelmill %d %x" % (FORMAT, sys.hexversion >> 16)
    return told.ljust(16)[:16] + content(body)


def save(path: str, kept: Any) -> None:
    """Keep something. A file that was cut off, or that two wrote at once, is not believed."""
    body = marshal.dumps(kept)
    try:
        try:
            fd = os.open(path, _WRITE, 0o600)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            fd = os.open(path, _WRITE, 0o600)
        try:
            _write(fd, _head(body))
            _write(fd, body)
            os.ftruncate(fd, _HEAD + len(body))
        finally:
            os.close(fd)
    except OSError:
        return


_WRITE = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def _write(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]
