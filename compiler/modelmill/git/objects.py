"""Blobs, trees and commits made without a working tree.

In: bytes at places in a tree. Out: ids of objects, which are in the private repository alone.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping

from modelmill.git.reading import contents
from modelmill.git.running import Git, GitError, must, stream, word
from modelmill.tuples import NamedTuple

FILE = "100644"
LINK = "120000"
SUBMODULE = "160000"
_MADE = "refs/modelmill/made"
# `localhost` is nobody's address (RFC 6761).
NOBODY = ("modelmill", "modelmill@localhost")


class Entry(NamedTuple):
    """A file, link or submodule in a tree."""

    mode: str
    id: str


def blob_id(form: str, data: bytes) -> str:
    """The id of a file's content: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects"""
    return hashlib.new(form, b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def entries(git: Git, commit: str, folder: str = "") -> dict[str, Entry]:
    """All below a folder of a commit, by path from the top; the folder itself where it is none."""
    where = ("--", folder) if folder else ()
    listing = must(git, "ls-tree", "-rz", "--full-tree", commit, *where)
    found = {}
    for line in listing.split(b"\0"):
        about, _, path = line.partition(b"\t")
        if about:
            mode, _, identity = about.decode().split()
            found[os.fsdecode(path)] = Entry(mode, identity)
    return found


def file(git: Git, commit: str, path: str) -> bytes | None:
    """A regular file's content; None where there is none."""
    found = entries(git, commit, path).get(path)
    if found is None or found.mode in (LINK, SUBMODULE):
        return None
    return contents(git, [found.id])[found.id]


def write_tree(git: Git, base: str | None, changes: Mapping[str, bytes | None]) -> str:
    """The tree of a commit (None: the empty one) with files changed at paths from its top; None:
    not there any more. All new objects come as one pack: writing each by itself takes longer than
    all the rest. https://git-scm.com/docs/git-fast-import"""
    flags = ("--quiet", "--done", "--force")
    stream(
        git, "-c", "fastimport.unpackLimit=1", "fast-import", *flags, chunks=_tree(base, changes)
    )
    return word(must(git, "rev-parse", f"{_MADE}^{{tree}}"))


def _tree(base: str | None, changes: Mapping[str, bytes | None]) -> Iterable[bytes]:
    """A commit of the private repository, for its tree's sake."""
    yield b"commit %b\ncommitter <> 0 +0000\ndata 0\n" % _MADE.encode()
    yield b"from %b\n" % base.encode() if base is not None else b""
    # Removals first: a file may take the place of a folder, or a folder that of a file.
    for path, data in sorted(changes.items(), key=lambda each: (each[1] is not None, each[0])):
        if data is None:
            yield b"D %b\n" % quoted(path)
        else:
            yield b"M %b inline %b\ndata %d\n" % (FILE.encode(), quoted(path), len(data))
            yield data
            yield b"\n"
    yield b"\ndone\n"


def quoted(path: str) -> bytes:
    """A path in quotes, as C has them."""
    data = os.fsencode(path).replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return b'"' + data.replace(b"\n", b"\\n") + b'"'


def write_commit(git: Git, tree: str, parents: Iterable[str], message: str, *, sign: bool) -> str:
    """A commit by whom git is configured for, or by nobody in particular."""
    chosen = [argument for parent in parents for argument in ("-p", parent)]
    signed = ("-S",) if sign else ()
    arguments = ("commit-tree", *signed, *chosen, "-F", "-", tree)
    try:
        return word(must(identified(git), *arguments, stdin=message.encode()))
    except GitError as fault:
        raise GitError(f"the commit cannot be signed: {fault}" if sign else str(fault)) from None


def signs(git: Git) -> bool:
    """Whether git is configured to sign commits."""
    return git.settings.get("commit.gpgsign", "").lower() in ("true", "yes", "on", "1")


def identified(git: Git) -> Git:
    """The same with an author and a committer, where git is configured for none."""
    found = {}
    for who in ("AUTHOR", "COMMITTER"):
        for what, default in zip(("NAME", "EMAIL"), NOBODY, strict=True):
            variable = f"GIT_{who}_{what}"
            keys = (f"{who}.{what}".lower(), f"user.{what}".lower())
            given = git.environ.get(variable) or any(git.settings.get(key) for key in keys)
            found.update({} if given else {variable: default})
    return git._replace(environ={**git.environ, **found})
