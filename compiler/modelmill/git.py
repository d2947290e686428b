"""A thin adapter to the git command: which commit a name stands for, and the files in it.

In: a folder and a revision. Out: a Commit, and its files as `files.Files`. Only objects are read:
no checkout, no hook, no network, no pager, nothing of the caller's GIT_ variables. A revision is
never taken for an option.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from modelmill.files import MAX_BYTES, Entry, Kind, is_link, is_too_large, refused

TIMEOUT = 60
SAFE = ("--no-pager", "--no-replace-objects", "-c", "core.hooksPath=/dev/null")
_object_id = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z").match


class GitError(Exception):
    """Git cannot do what was asked; the message is for the user."""


class Commit(NamedTuple):
    """A commit of the repository that holds `root`; `prefix` leads from its top to `root`."""

    name: str
    id: str
    root: Path
    prefix: str


class _Blob(NamedTuple):
    kind: Kind
    id: str
    size: int


def resolve(root: Path, revision: str) -> Commit:
    """The commit a branch, tag or other name stands for."""
    if revision.startswith("-") or not revision:
        raise GitError(f"`{revision}` is not a revision; a branch is also `refs/heads/{revision}`")
    where = _run(root, "rev-parse", "--show-prefix")
    if where is None:
        raise GitError("this folder is not in a git repository, or git does not trust its owner")
    name = f"{revision}^{{commit}}"
    found = _run(root, "rev-parse", "--verify", "--quiet", "--end-of-options", name)
    identity = (found or b"").strip()
    if not _object_id(identity):
        raise GitError(f"git knows no commit `{revision}` here{_reason(root, revision)}")
    return Commit(revision, identity.decode(), root, os.fsdecode(where.rstrip(b"\n")))


def _reason(root: Path, revision: str) -> str:
    if revision == "HEAD":
        return ": the repository has no commit yet"
    shallow = (_run(root, "rev-parse", "--is-shallow-repository") or b"").strip() == b"true"
    return ": this is a shallow clone, which holds only the newest" if shallow else ""


class CommitFiles:
    """The files of a commit, below the commit's prefix. A folder is listed and its small files are
    fetched when it is first asked for."""

    def __init__(self, commit: Commit) -> None:
        self.commit = commit
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
        root = self.commit.root
        # Without -t a folder on the way would be unknown; a pathspec is no pattern here.
        listing = _run(root, "ls-tree", "-rtzl", "--full-tree", self._tree, "--", path)
        if listing is None and _run(root, "rev-parse", "--verify", "--quiet", self._tree):
            raise GitError(f"git cannot read the files of `{self.commit.name}`")
        blobs = [self._learn(line) for line in (listing or b"").split(b"\0") if line]
        wanted = {b.id for b in blobs if b.kind == "file" and b.size <= MAX_BYTES}
        self._bytes.update(_contents(root, sorted(wanted - self._bytes.keys())))

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


def _contents(root: Path, identities: Iterable[str]) -> dict[str, bytes]:
    """Many objects by one process: https://git-scm.com/docs/git-cat-file#_batch_output"""
    wanted = list(identities)
    if not wanted:
        return {}
    stream = _run(root, "cat-file", "--batch", stdin="".join(f"{i}\n" for i in wanted).encode())
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


def _run(root: Path, *arguments: str, stdin: bytes = b"") -> bytes | None:
    """Git's answer; None if it refuses."""
    try:
        done = subprocess.run(
            ["git", *SAFE, *arguments],
            cwd=root,
            env=_environment(),
            input=stdin,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except FileNotFoundError:
        raise GitError("`modelmill diff` needs git, which is not installed") from None
    except subprocess.TimeoutExpired:
        raise GitError(f"git did not answer within {TIMEOUT} s") from None
    return done.stdout if done.returncode == 0 else None


def _environment() -> dict[str, str]:
    """The caller's variables without git's own: in a hook those name another index or folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    fixed = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1"}
    return {**kept, **fixed, "LC_ALL": "C"}
