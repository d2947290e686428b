"""One try of each target: a commit on its branch, and the push.

In: all branches at one moment, and the Source compiled. Out: an Outcome per target. One that fails
holds up no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from modelmill.diagnostics import CompileError, Diagnostic, error
from modelmill.git import Git, GitError
from modelmill.git.history import holds, knows
from modelmill.git.remotes import HEADS, Pushed, Update, get, push, reach, tips
from modelmill.publishing.commits import Prepared, prepare, published
from modelmill.publishing.sources import Source
from modelmill.publishing.targets import Target
from modelmill.tuples import NamedTuple


class Order(NamedTuple):
    """What is to be published.

    root      folder with modelmill.yaml
    prefix    where that is, from the top of the git repository
    remote    the sources' remote
    url       its address, as commits name it
    branch    the sources' branch there
    head      the commit that must be on it; None: none
    commit    a commit of it that is published instead of its newest
    to        another repository for all
    dry_run   whether nothing is pushed
    say       told of every step
    seen      told how many models are compiled
    """

    root: Path
    prefix: str
    remote: str
    url: str
    branch: str
    head: str | None
    commit: str | None
    to: str | None
    dry_run: bool
    say: Callable[[str], None]
    seen: Callable[[int, int], None]


class Outcome(NamedTuple):
    """What became of a target. `faults` say why nothing did; `newer`: the source that it was made
    of already; `busy`: another push came first."""

    target: Target
    source: str
    attempts: int
    prepared: Prepared | None = None
    faults: tuple[Diagnostic, ...] = ()
    newer: str | None = None
    busy: bool = False

    @property
    def updates(self) -> tuple[Update, ...]:
        return self.prepared.updates if self.prepared else ()


class Look(NamedTuple):
    """All branches at one moment, of the sources' repository and of others by address; and the
    newest source at that moment, compiled."""

    tips: Mapping[str | None, Mapping[str, str]]
    source: Source
    targets: tuple[Target, ...]


def tried(
    git: Git, order: Order, look: Look, targets: Sequence[Target], attempt: int
) -> Iterator[Outcome]:
    """One try of every target, a repository at a time."""
    for address in sorted({t.repository for t in targets}, key=str):
        outcomes = {
            t.pushed: Outcome(t, look.source.commit, attempt)
            for t in targets
            if t.repository == address
        }
        try:
            for outcome in _tried_at(git, order, look, address, list(outcomes.values())):
                del outcomes[outcome.target.pushed]
                yield outcome
        except GitError as fault:
            yield from (_failed(outcome, fault) for outcome in outcomes.values())


def _failed(outcome: Outcome, fault: GitError) -> Outcome:
    return outcome._replace(faults=(error("G925", f"{outcome.target.shown}: {fault}"),))


def _tried_at(
    git: Git, order: Order, look: Look, address: str | None, outcomes: Sequence[Outcome]
) -> Iterator[Outcome]:
    remote, there = address or order.remote, look.tips[address]
    refs = {ref for each in outcomes for ref in (each.target.pushed, each.target.read)}
    get(git, remote, {ref: there[ref] for ref in sorted(refs & there.keys())}, depth=1)
    ready = []
    for blank in outcomes:
        outcome = _prepared(git, order, look, blank, there)
        if order.dry_run or not outcome.updates:
            yield outcome
        else:
            ready.append(outcome)
    # Two refs of one target stand or fall together; targets do not.
    alone = [[each] for each in ready if len(each.updates) > 1]
    for group in [*alone, [each for each in ready if len(each.updates) == 1]]:
        yield from _pushed(git, remote, group)


def _prepared(
    git: Git, order: Order, look: Look, outcome: Outcome, there: Mapping[str, str]
) -> Outcome:
    """A target's commit, where it needs one."""
    target, source = outcome.target, outcome.source
    tip = there.get(target.pushed)
    if not all(knows(git, there[ref]) for ref in (target.pushed, target.read) if ref in there):
        return outcome._replace(busy=True, faults=_moved(outcome))
    last = published(git, target, tip)
    known = last is None or reach(git, order.remote, HEADS + order.branch, last)
    if order.commit is not None and last is not None and last != source:
        if known and holds(git, last, source):
            return outcome._replace(newer=last)
        if not known or not holds(git, source, last):
            message = f"{target.shown} was made of {last[:12]}, which {source[:12]} does not hold"
            hint = "publish the newest commit of the branch: leave out --source"
            return outcome._replace(faults=(error("G921", message, hint=hint),))
    try:
        prepared = prepare(git, look.source, target, there, order.url)
    except CompileError as fault:
        return outcome._replace(faults=fault.diagnostics)
    except GitError as fault:
        return _failed(outcome, fault)
    return outcome._replace(prepared=prepared)


def _pushed(git: Git, remote: str, outcomes: Sequence[Outcome]) -> Iterable[Outcome]:
    """The outcomes of a push of all their commits."""
    updates = [update for each in outcomes for update in each.updates]
    if not updates:
        return []
    together = len(outcomes) == 1 and len(updates) > 1
    answers = {each.ref: each for each in push(git, remote, updates, together=together)}
    return [_settled(git, remote, outcome, answers) for outcome in outcomes]


def _settled(git: Git, remote: str, outcome: Outcome, answers: Mapping[str, Pushed]) -> Outcome:
    refused = [answers[update.ref] for update in outcome.updates if answers[update.ref].reason]
    if not refused:
        return outcome
    lost = outcome._replace(prepared=None)
    if all(each.busy for each in refused) or _has_moved(git, remote, outcome.updates):
        return lost._replace(busy=True, faults=_moved(outcome))
    reason = next(each.reason for each in refused if not each.busy)
    hint = "let whoever publishes push there, or publish to another branch"
    fault = error("G923", f"the push to {outcome.target.shown} was refused: {reason}", hint=hint)
    return lost._replace(faults=(fault,))


def _has_moved(git: Git, remote: str, updates: Sequence[Update]) -> bool:
    """Whether a branch is not where it was: every server words a lost race in its own way."""
    now = tips(git, remote, *(update.ref for update in updates))
    return any(now.get(update.ref) != update.expected for update in updates)


def _moved(outcome: Outcome) -> tuple[Diagnostic, ...]:
    """For the last try of all."""
    tries = f"{outcome.attempts} tries" if outcome.attempts > 1 else "the only try"
    message = f"another push to {outcome.target.shown} came first at {tries}"
    return (error("G924", message, hint="publish again, or raise `publish.attempts`"),)
