"""Conflicts of the index, and what a clone is in the middle of.

In: the user's repository. Out: paths in conflict with what each side has there; the index with some
of them as they are in the working tree. The only room that changes the user's index.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from modelmill.git.reading import contents, sizes
from modelmill.git.running import Git, must, word

# In order: a rebase picks commits, and each of them may be a merge.
_UNDER_WAY = (
    ("rebase-merge", "git rebase --continue"),
    ("rebase-apply", "git rebase --continue"),
    ("CHERRY_PICK_HEAD", "git cherry-pick --continue"),
    ("REVERT_HEAD", "git revert --continue"),
    ("MERGE_HEAD", "git merge --continue"),
)
_MOST = 1 << 20


def unmerged(git: Git) -> dict[str, tuple[str, ...]]:
    """Paths in conflict, from the top of the repository, and the ids of what sides have there."""
    listed = must(git, "ls-files", "--unmerged", "--full-name", "-z", "--", ":/")
    found: dict[str, tuple[str, ...]] = {}
    for line in listed.split(b"\0"):
        about, _, path = line.partition(b"\t")
        if about:
            name = os.fsdecode(path)
            found[name] = (*found.get(name, ()), about.split()[1].decode())
    return found


def sides(git: Git, ids: Collection[str]) -> dict[str, bytes]:
    """What sides of a conflict hold; without what is larger than any file of ours, or no file."""
    known = sizes(git, ids)
    return contents(git, sorted(each for each, size in known.items() if size <= _MOST))


def next_command(git: Git) -> str | None:
    """What goes on with what is under way; None where nothing is."""
    for name, command in _UNDER_WAY:
        path = word(must(git, "rev-parse", "--git-path", name))
        if (git.root / path).exists():
            return command
    return None


def add(git: Git, present: Collection[str], absent: Collection[str]) -> None:
    """Files as they are on the disk, and paths at which there are none, into the index; paths from
    the top of the repository."""
    top = git._replace(root=Path(word(must(git, "rev-parse", "--show-toplevel"))))
    for how, paths in (("--force-remove",), absent), (("--add", "--replace"), present):
        lines = b"".join(os.fsencode(path) + b"\0" for path in sorted(paths))
        must(top, "update-index", *how, "-z", "--stdin", stdin=lines)
