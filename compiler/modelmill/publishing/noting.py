"""Notes that say of a commit which source it is made of, also where a newer one changed nothing.

In: what became of each target. Out: `refs/notes/hydrator.metadata` of each repository moved. Only
where gitops-promoter reads them: it takes an environment whose note is old for not hydrated yet.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence

from modelmill.git import Git
from modelmill.git.notes import annotated
from modelmill.git.remotes import HEADS, Update, get, push, tips
from modelmill.publishing.attempts import Order, Outcome

NOTES = "refs/notes/hydrator.metadata"
"""https://github.com/argoproj-labs/gitops-promoter/blob/main/docs/advanced-usage/custom-hydrator.md"""
_TRIES = 12


def note(git: Git, order: Order, outcomes: Sequence[Outcome]) -> None:
    """Note the source of every commit that is on a branch gitops-promoter reads."""
    for address in sorted({each.target.repository for each in outcomes}, key=str):
        notes = {
            each.prepared.tip: json.dumps({"drySha": each.source})
            for each in outcomes
            if each.target.repository == address and each.target.settings.next
            if each.prepared is not None and each.prepared.tip is not None
        }
        # Where the sources have generated/ beside them, their newest commit is ours.
        own = {p.tip for p in (each.prepared for each in outcomes) if p is not None and p.tip}
        source = {each.source for each in outcomes} | own
        if notes and not order.dry_run:
            _note(git, order, address or order.remote, notes, source)


def _note(git: Git, order: Order, remote: str, notes: Mapping[str, str], source: set[str]) -> None:
    ref = HEADS + order.branch
    for tries in range(_TRIES):
        tip = tips(git, remote, NOTES).get(NOTES)
        if order.commit is None and tips(git, order.remote, ref).get(ref) not in source:
            return  # whoever publishes the newer source notes that
        get(git, remote, {NOTES: tip} if tip else {}, depth=1)
        commit = annotated(git, NOTES, tip, notes)
        (pushed,) = push(git, remote, [Update(NOTES, commit, tip)])
        if not pushed.reason:
            return
        time.sleep(0.1 * 2 ** min(tries, 5))
    order.say(f"note: {NOTES} was not updated: {pushed.reason}")
