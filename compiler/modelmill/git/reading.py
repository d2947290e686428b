"""Which commit a name stands for, and the files in it.

In: a folder and a revision. Out: a Commit, and its files as `files.Files`. Only objects are read:
no checkout, no filter, no submodule.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from hashlib import sha1, sha256
from pathlib import Path

from modelmill.files import MAX_BYTES, Entry, Kind, is_link, is_too_large, refused
from modelmill.git.running import Git, GitError, ask, offline, word
from modelmill.regexes import regex
from modelmill.tuples import NamedTuple

_object_id = regex(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")


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
    if not _object_id.match(identity):
        raise GitError(f"git knows no commit `{revision}` here{_reason(git, revision)}")
    return Commit(revision, identity.decode(), root, word(where))


def _reason(git: Git, revision: str) -> str:
    if revision == "HEAD":
        return ": the repository has no commit yet"
    shallow = word(ask(git, "rev-parse", "--is-shallow-repository")) == "true"
    return ": this is a shallow clone, which holds only the newest" if shallow else ""


class CommitFiles:
    """The files of a commit, below the commit's prefix. A folder is listed and its small files are
    fetched when it is first asked for. `known`: contents that some of them may have, which need not
    be fetched then."""

    def __init__(self, commit: Commit, known: Iterable[bytes] = ()) -> None:
        self.commit = commit
        self._git = commit.git or offline(commit.root)
        self._tree = f"{commit.id}:{commit.prefix.rstrip('/')}"
        self._listed: set[str] = set()
        self._folders: dict[str, dict[str, _Blob]] = {}
        self._bytes = _by_id(known, commit.id)
        self._sizes: dict[str, int] = {}
        # Git looks into each file to tell its size, which takes longer than all else: where most
        # are known only the others' are asked for.
        self._flags = "-rtz" if self._bytes else "-rtzl"

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
        if found.id not in self._bytes:
            raise is_too_large(path, self._sizes[found.id])
        return self._bytes[found.id]

    def _find(self, path: str) -> _Blob | None:
        folder, _, name = path.rpartition("/")
        if name not in self._folders.get(folder, {}):
            self._list(path)
        return self._folders.get(folder, {}).get(name)

    def _list(self, path: str) -> None:
        """Learn all below `path`, unless that is known already."""
        parts = path.split("/")
        if self._listed & {"/".join(parts[: n + 1]) for n in range(len(parts))}:
            return
        self._listed.add(path)
        # Without -t a folder on the way would be unknown; a pathspec is no pattern here.
        listing = ask(self._git, "ls-tree", self._flags, "--full-tree", self._tree, "--", path)
        if listing is None and ask(self._git, "rev-parse", "--verify", "--quiet", self._tree):
            raise GitError(f"git cannot read the files of `{self.commit.name}`")
        blobs = [self._learn(line) for line in os.fsdecode(listing or b"").split("\0") if line]
        wanted = {each.id for each in blobs if each.kind == "file"} - self._bytes.keys()
        self._sizes |= sizes(self._git, wanted - self._sizes.keys())
        small = sorted(each for each in wanted if self._sizes[each] <= MAX_BYTES)
        self._bytes |= contents(self._git, small)

    def _learn(self, line: str) -> _Blob:
        about, _, path = line.partition("\t")
        mode, kind, identity, *size = about.split()
        folder, _, name = path.rpartition("/")
        blob = _Blob(_kind(mode, kind), identity)
        self._folders.setdefault(folder, {})[name] = blob
        if size:
            self._sizes[identity] = int(size[0]) if size[0].isdigit() else 0
        return blob


def _by_id(known: Iterable[bytes], like: str) -> dict[str, bytes]:
    """Contents by the names git gives them: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects"""
    form = sha1 if len(like) == 40 else sha256
    return {form(b"blob %d\0" % len(each) + each).hexdigest(): each for each in known}


def _kind(mode: str, kind: str) -> Kind:
    if mode == "120000":
        return "link"
    if kind == "tree":
        return "folder"
    return "file" if kind == "blob" else "other"


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
    if not wanted:
        return {}
    lines = ask(git, "cat-file", "--batch-check", stdin="".join(f"{i}\n" for i in wanted).encode())
    fields = [line.split() for line in (lines or b"").splitlines()]
    if [each[-1:] for each in fields if len(each) != 3] or len(fields) != len(wanted):
        raise GitError("the clone does not hold all files of that commit; fetch them first")
    return {identity: int(each[2]) for identity, each in zip(wanted, fields, strict=True)}
