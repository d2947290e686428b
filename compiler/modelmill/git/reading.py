"""Which commit a name stands for, and the files in it.

In: a folder and a revision. Out: a Commit, and its files as `files.Files`. Only objects are read:
no checkout, no filter, no submodule.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from modelmill.files import MAX_BYTES, Entry, Kind, is_link, is_too_large, refused
from modelmill.git.running import Git, GitError, ask, offline, word

_object_id = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z").match


class Commit(NamedTuple):
    """A commit of the repository that holds `root`; `prefix` leads from its top to `root`.
    `git`: how it is read, where that is not from the repository itself."""

    name: str
    id: str
    root: Path
    prefix: str
    git: Git | None = None


class _Blob(NamedTuple):
    kind: Kind
    id: str
    size: int


def resolve(root: Path, revision: str) -> Commit:
    """The commit a branch, tag or other name stands for."""
    if revision.startswith("-") or not revision:
        raise GitError(f"`{revision}` is not a revision; a branch is also `refs/heads/{revision}`")
    git = offline(root)
    where = ask(git, "rev-parse", "--show-prefix")
    if where is None:
        raise GitError("this folder is not in a git repository, or git does not trust its owner")
    name = f"{revision}^{{commit}}"
    found = ask(git, "rev-parse", "--verify", "--quiet", "--end-of-options", name)
    identity = (found or b"").strip()
    if not _object_id(identity):
        raise GitError(f"git knows no commit `{revision}` here{_reason(git, revision)}")
    return Commit(revision, identity.decode(), root, word(where))


def _reason(git: Git, revision: str) -> str:
    if revision == "HEAD":
        return ": the repository has no commit yet"
    shallow = word(ask(git, "rev-parse", "--is-shallow-repository")) == "true"
    return ": this is a shallow clone, which holds only the newest" if shallow else ""


class CommitFiles:
    """The files of a commit, below the commit's prefix. A folder is listed and its small files are
    fetched when it is first asked for."""

    def __init__(self, commit: Commit) -> None:
        self.commit = commit
        self._git = commit.git or offline(commit.root)
        self._tree = f"{commit.id}:{commit.prefix.rstrip('/')}"
        self._listed: set[str] = set()
        self._folders: dict[str, dict[str, _Blob]] = {}
        self._bytes: dict[str, bytes] = {}

    def exists(self, path: str) -> bool:
        return self._find(path) is not None

    def entries(self, folder: str) -> list[Entry]:
        self._list(folder)
        found = self._find(folder)
        if found is not None and found.kind == "link":
            raise is_link(folder, "folder")
        return sorted(Entry(n, blob.kind) for n, blob in self._folders.get(folder, {}).items())

    def read(self, path: str) -> bytes:
        found = self._find(path)
        if found is None:
            raise refused(path, "the file cannot be read: it is not there")
        if found.kind == "link":
            raise is_link(path)
        if found.kind != "file":
            raise refused(path, "this is not a regular file")
        if found.size > MAX_BYTES:
            raise is_too_large(path, found.size)
        return self._bytes[found.id]

    def _find(self, path: str) -> _Blob | None:
        self._list(path)
        folder, _, name = path.rpartition("/")
        return self._folders.get(folder, {}).get(name)

    def _list(self, path: str) -> None:
        """Learn all below `path`, unless that is known already."""
        parts = path.split("/")
        if self._listed & {"/".join(parts[: n + 1]) for n in range(len(parts))}:
            return
        self._listed.add(path)
        # Without -t a folder on the way would be unknown; a pathspec is no pattern here.
        listing = ask(self._git, "ls-tree", "-rtzl", "--full-tree", self._tree, "--", path)
        if listing is None and ask(self._git, "rev-parse", "--verify", "--quiet", self._tree):
            raise GitError(f"git cannot read the files of `{self.commit.name}`")
        blobs = [self._learn(line) for line in (listing or b"").split(b"\0") if line]
        wanted = {b.id for b in blobs if b.kind == "file" and b.size <= MAX_BYTES}
        self._bytes.update(contents(self._git, sorted(wanted - self._bytes.keys())))

    def _learn(self, line: bytes) -> _Blob:
        about, _, path = line.partition(b"\t")
        mode, kind, identity, size = about.split()
        folder, _, name = os.fsdecode(path).rpartition("/")
        blob = _Blob(_kind(mode, kind), identity.decode(), int(size) if size.isdigit() else 0)
        self._folders.setdefault(folder, {})[name] = blob
        return blob


def _kind(mode: bytes, kind: bytes) -> Kind:
    if mode == b"120000":
        return "link"
    if kind == b"tree":
        return "folder"
    return "file" if kind == b"blob" else "other"


def contents(git: Git, identities: Iterable[str]) -> dict[str, bytes]:
    """Many objects by one process: https://git-scm.com/docs/git-cat-file#_batch_output"""
    wanted = list(identities)
    if not wanted:
        return {}
    stream = ask(git, "cat-file", "--batch", stdin="".join(f"{i}\n" for i in wanted).encode())
    found: dict[str, bytes] = {}
    position = 0
    for identity in wanted:
        end = (stream or b"").find(b"\n", position)
        header = (stream or b"")[position:end].split()
        if stream is None or len(header) != 3:
            raise GitError("the clone does not hold all files of that commit; fetch them first")
        position = end + 1 + int(header[2])
        found[identity] = stream[end + 1 : position]
        position += 1
    return found


def sizes(git: Git, identities: Iterable[str]) -> dict[str, int]:
    """Of many objects, in bytes: https://git-scm.com/docs/git-cat-file#_batch_output"""
    wanted = sorted(set(identities))
    lines = ask(git, "cat-file", "--batch-check", stdin="".join(f"{i}\n" for i in wanted).encode())
    fields = [line.split() for line in (lines or b"").splitlines()]
    if [each[-1:] for each in fields if len(each) != 3] or len(fields) != len(wanted):
        raise GitError("the clone does not hold all files of that commit; fetch them first")
    return {identity: int(each[2]) for identity, each in zip(wanted, fields, strict=True)}
