"""Who came after whom, and what commits say of themselves.

In: ids of commits. Out: whether one holds another, and commits as values.
"""

from __future__ import annotations

from collections.abc import Mapping

from modelmill.git.running import Git, ask, must, run, word
from modelmill.tuples import NamedTuple

_FIELDS = ("%H", "%an", "%ae", "%aI", "%s", "%b", "%(trailers:only,unfold)")
_AS_IS = ("--no-show-signature", "--no-color", "--no-notes", "--encoding=UTF-8")


class Said(NamedTuple):
    """A commit as its author wrote it. `date` as ISO 8601 has it; `body` without the subject."""

    id: str
    author: str
    email: str
    date: str
    subject: str
    body: str
    trailers: Mapping[str, str]


def knows(git: Git, commit: str) -> bool:
    """Whether a commit is among the objects."""
    return ask(git, "cat-file", "-e", f"{commit}^{{commit}}") is not None


def has_all_of(git: Git, commit: str) -> bool:
    """Whether a commit and all its files are among the objects. Where the clone is just fetching
    it, the commit is there before its files."""
    whole = ("--objects", "--no-walk", "--quiet", "--missing=allow-promisor")
    return run(git, "rev-list", *whole, "--end-of-options", commit, "--").status == 0


def holds(git: Git, later: str, earlier: str) -> bool:
    """Whether a commit is another one, or comes after it, as far as the history is here."""
    return run(git, "merge-base", "--is-ancestor", earlier, later).status == 0


def is_shallow(git: Git) -> bool:
    return word(ask(git, "rev-parse", "--is-shallow-repository")) == "true"


def commits(git: Git, revisions: str, most: int) -> list[Said]:
    """Commits of a range, newest first. Merged ones stand for themselves."""
    form = "--format=tformat:" + "%x1f".join(_FIELDS)
    chosen = (f"--max-count={most}", "--end-of-options", revisions, "--")
    text = must(git, "log", "-z", "--topo-order", *_AS_IS, form, *chosen).decode("utf-8", "replace")
    return [_said(record.split("\x1f")) for record in text.split("\0") if record]


def _said(fields: list[str]) -> Said:
    # What a person wrote may hold the separator; only a body can be as long as that.
    identity, author, email, date, subject, *body = fields[:-1]
    trailers = {}
    for line in fields[-1].splitlines():
        name, colon, value = line.partition(":")
        if colon:
            trailers[name.strip().lower()] = value.strip()
    return Said(identity, author, email, date, subject, "\x1f".join(body).strip("\n"), trailers)
