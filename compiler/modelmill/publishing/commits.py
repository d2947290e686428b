"""One commit on top of a branch.

In: a target, where its branch stands, and a Source. Out: a Prepared commit in the private
repository, or word that there is nothing to commit. Nothing is pushed here.
"""

from __future__ import annotations

from collections.abc import Mapping

from modelmill.diagnostics import CompileError
from modelmill.git import Git
from modelmill.git.history import Said, commits, holds, knows
from modelmill.git.objects import file, signs, write_commit, write_tree
from modelmill.git.remotes import Update
from modelmill.output import Survey, obstacles
from modelmill.publishing.difference import survey_commit
from modelmill.publishing.messages import LISTED, SOURCE, message, metadata, recorded, units_of
from modelmill.publishing.sources import Source
from modelmill.publishing.targets import METADATA, Target, wanted
from modelmill.tuples import NamedTuple

_LOOKED_AT = 200


class Prepared(NamedTuple):
    """What is to become of a target.

    survey    how it differs
    models    whose files change
    updates   refs to be moved; none where nothing changes
    tip       the commit that controllers read afterwards, or that stays; None: there is no branch
    sources   ids of the source commits that come with it
    """

    survey: Survey
    models: tuple[str, ...]
    updates: tuple[Update, ...]
    tip: str | None
    sources: tuple[str, ...] = ()


def prepare(
    git: Git, source: Source, target: Target, tips: Mapping[str, str], url: str
) -> Prepared:
    """Commit what the target lacks. `tips`: its branches as they are; `url`: of the sources."""
    tip = tips.get(target.pushed)
    # The first of the branch that requests are opened from stands on the one they are opened for.
    base = tip or tips.get(target.read)
    files = wanted(source, target)
    survey = survey_commit(git, base, target.folder + target.generated, files)
    if in_the_way := obstacles(survey):
        raise CompileError(in_the_way)
    if not survey.changes:
        begun = (Update(target.pushed, base, None),) if base is not None and tip is None else ()
        return Prepared(survey, (), begun, base)
    said = commits(git, source.commit, 1)[0]
    since, others = _since(git, source, target, base)
    changes = _changes(survey, files, target, said, url)
    sign = signs(git) if target.settings.sign is None else target.settings.sign
    started = _started(git, target, sign=sign) if base is None and target.settings.next else None
    parent = started.commit if started else base
    tree = write_tree(git, base, changes)
    text = message(target, survey, said, others, since)
    commit = write_commit(git, tree, [parent] if parent else [], text, sign=sign)
    updates = (*([started] if started else []), Update(target.pushed, commit, tip))
    named = tuple(each.id for each in others) or (source.commit,)
    return Prepared(survey, tuple(units_of(survey)), updates, commit, named)


def _started(git: Git, target: Target, *, sign: bool) -> Update:
    """A branch for requests to be opened for: without one gitops-promoter can open none."""
    empty = write_tree(git, None, {})
    commit = write_commit(git, empty, [], f"Start {target.branch}\n", sign=sign)
    return Update(target.read, commit, None)


def _changes(
    survey: Survey, files: Mapping[str, bytes], target: Target, said: Said, url: str
) -> dict[str, bytes | None]:
    """What the new tree holds at paths from its top."""
    folder, changes = f"{survey.generated}/", survey.changes
    found: dict[str, bytes | None] = {folder + path: None for path in changes.removed}
    new = (*changes.added, *changes.changed)
    found.update((folder + path, files[path]) for path in new)
    if not target.has_sources:
        found[target.record] = metadata(said, url)
    if target.environment is not None:
        found[METADATA] = metadata(said, url)
    return found


def published(git: Git, target: Target, tip: str | None) -> str | None:
    """The source commit that a target's branch says it was made of."""
    if tip is None:
        return None
    if not target.has_sources:
        return recorded(file(git, tip, target.record))
    for each in commits(git, tip, _LOOKED_AT):
        if SOURCE.lower() in each.trailers:
            return each.id
    return None


def _since(
    git: Git, source: Source, target: Target, base: str | None
) -> tuple[str | None, list[Said]]:
    """The source commit published last, and those since, the newest first."""
    last = published(git, target, base)
    if last is None or not knows(git, last) or not holds(git, source.commit, last):
        return None, []
    later = commits(git, f"{last}..{source.commit}", LISTED + 1)
    return last, [each for each in later if SOURCE.lower() not in each.trailers]
