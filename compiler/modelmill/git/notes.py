"""Notes on commits: https://git-scm.com/docs/git-notes

In: a ref of notes as it is, and a text for each of some commits. Out: the commit that the ref is to
be moved to. It is made in the private repository; the user's refs have no part in it.
"""

from __future__ import annotations

from collections.abc import Mapping

from modelmill.git.objects import identified
from modelmill.git.running import Git, must, word


def annotated(git: Git, ref: str, tip: str | None, notes: Mapping[str, str]) -> str:
    """The notes at `tip`, with these in place of what was noted of the same commits."""
    named = identified(git)
    if tip is not None:
        must(named, "update-ref", ref, tip)
    for commit, text in notes.items():
        blob = word(must(named, "hash-object", "-w", "--stdin", stdin=text.encode()))
        must(named, "notes", f"--ref={ref}", "add", "-f", "-C", blob, commit)
    return word(must(named, "rev-parse", "--verify", ref))
