"""What a repository becomes by edits that are not written yet.

In: the repository as it is, and edited texts by path. Out: an Outcome: what is newly wrong with it,
and how its manifests change. Never: writing.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from modelmill.comparison import Comparison, compare_repositories
from modelmill.compilation import compile_repository
from modelmill.diagnostics import CompileError, Diagnostic, has_errors
from modelmill.editing.reached import reached, same_to_others
from modelmill.files import DiskFiles, EditedFiles
from modelmill.repository import Repository, index
from modelmill.sources import Sources, read_sources
from modelmill.tuples import NamedTuple


class Outcome(NamedTuple):
    """`texts` are what findings quote. Nothing is compared where `findings` has errors."""

    repository: Repository | None
    texts: Mapping[str, str]
    findings: tuple[Diagnostic, ...]
    comparison: Comparison = Comparison(())


def outcome(sources: Sources, before: Repository, edited: Mapping[str, str | None]) -> Outcome:
    """The repository with the edited texts. Errors that it had before are not held against it: an
    edit may mend the first of two."""
    texts: dict[str, str] = {}
    files = EditedFiles(DiskFiles(sources.root), edited)
    try:
        after = index(read_sources(sources.root, texts, files, sources))
    except CompileError as fault:
        return Outcome(None, texts, fault.diagnostics)
    jobs = os.cpu_count() or 1
    found = _new_findings(before, after, edited, jobs)
    if has_errors(found):
        return Outcome(after, texts, found)
    return Outcome(after, texts, found, compare_repositories(before, after, jobs=jobs))


def _new_findings(
    before: Repository, after: Repository, edited: Collection[str], jobs: int
) -> tuple[Diagnostic, ...]:
    """What only the edited repository has: errors, and warnings of what was edited."""
    models = reached(before, after, edited)
    if models is not None:
        old, new = (compile_repository(each, models, jobs) for each in (before, after))
        found = _new(old.diagnostics, _held(new.diagnostics, edited))
        if has_errors(found) or same_to_others(old.facts, new.facts):
            return found
    wrong = _held(compile_repository(after, jobs=jobs).diagnostics, edited)
    return _new(compile_repository(before, jobs=jobs).diagnostics, wrong) if wrong else ()


def _held(found: Iterable[Diagnostic], edited: Collection[str]) -> list[Diagnostic]:
    return [
        d for d in found if d.severity == "error" or (d.span is not None and d.span.path in edited)
    ]


def _new(before: Iterable[Diagnostic], after: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    known, wrong = Counter(map(_told, before)), list(after)
    now = Counter(map(_told, wrong))
    return tuple(d for d in wrong if now[_told(d)] > known[_told(d)])


def _told(diagnostic: Diagnostic) -> tuple[str, str, str]:
    """A finding without its line, which an edit above moves."""
    path = diagnostic.span.path if diagnostic.span else ""
    return diagnostic.code, diagnostic.message, path
