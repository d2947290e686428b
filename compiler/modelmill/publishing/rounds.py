"""Look, compile, commit, push; and again where another was faster.

In: a clone and what was asked for. Out: what became of each target. A commit that came too late is
thrown away: its files are compiled again from what is there by then, never rebased.

What is compiled is the newest commit of the sources' branch. The branches to be written are looked
up at the same moment or before: whatever was published on one of them before that was made of that
commit or an older one. So an older source never takes the place of a newer one, in a clone that
holds but one commit too, and a branch whose history was written anew counts as it is.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping

from modelmill.diagnostics import CompileError, error
from modelmill.git import Git, GitError
from modelmill.git.history import has_all_of, holds
from modelmill.git.remotes import HEADS, get, tips
from modelmill.publishing.attempts import Look, Order, Outcome, tried
from modelmill.publishing.noting import note
from modelmill.publishing.sources import Source, source_of
from modelmill.publishing.targets import targets_of

_FIRST_WAIT, _LONGEST_WAIT = 0.25, 8.0


def publish(git: Git, order: Order) -> list[Outcome]:
    """Every target, each for itself. Raises what concerns them all."""
    done: dict[tuple[str | None, str], Outcome] = {}
    compiled: dict[str, Source] = {}
    attempt = 0
    while True:
        attempt += 1
        look = _look(git, order, compiled)
        if attempt == 1:
            _refuse_unpushed(git, order, look)
        pending = [t for t in look.targets if (t.repository, t.pushed) not in done]
        late = False
        for outcome in tried(git, order, look, pending, attempt):
            if outcome.busy and attempt < outcome.target.settings.attempts:
                late = True
            else:
                done[outcome.target.repository, outcome.target.pushed] = outcome
        if not late:
            outcomes = [done[key] for key in sorted(done, key=str)]
            note(git, order, outcomes)
            return outcomes
        order.say("another push came first: compiling again")
        wait(attempt)


def wait(attempt: int) -> None:
    """Longer each time, and never as long as the others."""
    time.sleep(random.uniform(0, min(_LONGEST_WAIT, _FIRST_WAIT * 2**attempt)))


def _look(git: Git, order: Order, compiled: dict[str, Source]) -> Look:
    """All branches, and the newest source; what was compiled of it before is kept."""
    ref = HEADS + order.branch
    while True:
        here = tips(git, order.remote)
        if ref not in here:
            raise GitError(f"`{order.remote}` has no branch `{order.branch}`")
        get(git, order.remote, {ref: here[ref]})
        if not has_all_of(git, here[ref]):  # it moved on
            continue
        commit = order.commit or here[ref]
        if commit not in compiled:
            order.say(f"compiling {commit[:12]} of {order.branch}")
            compiled.clear()
            compiled[commit] = source_of(git, order.root, commit, order.prefix, order.seen)
        source = compiled[commit]
        targets = targets_of(source, order.branch, order.to)
        others = sorted({t.repository for t in targets if t.repository is not None})
        there: dict[str | None, Mapping[str, str]] = {each: tips(git, each) for each in others}
        # Others were looked up after the sources: only where these stand still is the order right.
        if not others or tips(git, order.remote, ref) == {ref: here[ref]}:
            return Look({None: here, **there}, source, tuple(targets))


def _refuse_unpushed(git: Git, order: Order, look: Look) -> None:
    """What is checked out must be on the branch: else it would look published and not be."""
    tip = look.tips[None][HEADS + order.branch]
    own = any(target.has_sources for target in look.targets)
    if order.commit is not None and own:
        message = f"only the newest commit of `{order.branch}` can be published on it"
        hint = "leave out --source; an older state comes back by reverting commits"
        raise CompileError([error("G921", message, hint=hint)])
    head = order.commit or order.head
    if head is None or holds(git, tip, head):
        return
    where = f"`{order.branch}` of `{order.remote}`"
    if own or order.commit is not None or holds(git, head, tip):
        message = f"the commit {head[:12]} is not on {where}"
        hint = "push it first; or, where the branch was written anew, check that out"
        raise CompileError([error("G921", message, hint=hint)])
    order.say(f"note: {head[:12]} is no longer on {where}; its newest commit is published")
