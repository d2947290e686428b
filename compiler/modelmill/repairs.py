"""Fixes to a repository's own files: done in memory, and judged, before anything is written.

In: a folder. Out: the texts as they would be, what was fixed, and what is left to be found. What
brings a fault that was not there before is not done. Never: writing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

from modelmill.catalog import read_document
from modelmill.compilation import compile_repository
from modelmill.diagnostics import CompileError, Diagnostic, has_errors
from modelmill.files import DiskFiles, EditedFiles
from modelmill.fixes import Done, fixed
from modelmill.repository import index
from modelmill.sources import read_sources
from modelmill.syntax import parse
from modelmill.tuples import NamedTuple

ROUNDS = 8
"""Faults of a file's form hide those of its fields, and these hide what checks find."""


class Repaired(NamedTuple):
    """`before`: the texts of files that change, as they are; `after`: as they would be."""

    before: Mapping[str, str]
    after: Mapping[str, str]
    done: tuple[Done, ...]


class _State(NamedTuple):
    texts: Mapping[str, str]
    findings: tuple[Diagnostic, ...]


def repaired(root: Path, only: Collection[str] | None = None) -> Repaired:
    """Everything that has one right answer, in all files or only some."""
    before: dict[str, str] = {}
    edited: dict[str, str] = {}
    done: list[Done] = []
    refused: set[str] = set()
    state = _judged(root, edited)
    for _ in range(ROUNDS):
        open_to_it = {
            path: text
            for path, text in state.texts.items()
            if path not in refused and (only is None or path in only)
        }
        step = fixed(open_to_it, state.findings, faults)
        if not step.texts:
            break
        after = _judged(root, {**edited, **step.texts})
        worse = _new_in(state, after) & step.texts.keys()
        if worse or _grew(state, after):
            refused |= worse or step.texts.keys()
            continue
        before = {path: state.texts[path] for path in step.texts} | before
        edited.update(step.texts)
        done += step.done
        state = after
    return Repaired(before, edited, tuple(done))


def faults(path: str, text: str) -> list[int]:
    """The line of each fault that a file has by itself."""
    try:
        read_document(path, parse(path, text.encode("utf-8", "surrogatepass")))
    except CompileError as fault:
        return [each.span.line for each in fault.diagnostics if each.span]
    return []


def _judged(root: Path, edited: Mapping[str, str]) -> _State:
    texts: dict[str, str] = {}
    try:
        repository = index(read_sources(root, texts, EditedFiles(DiskFiles(root), edited)))
        return _State(texts, compile_repository(repository).diagnostics)
    except CompileError as fault:
        return _State(texts, fault.diagnostics)


def _new_in(before: _State, after: _State) -> set[str]:
    """Files with an error of a kind that they did not have. That a file can be read at last brings
    faults to light which were there; these have other codes than those of form."""
    known = {_kind(d) for d in before.findings}
    unread = {d.span.path for d in before.findings if d.span and d.code[0] in "YNS"}
    return {
        d.span.path
        for d in after.findings
        if d.severity == "error" and d.span and _kind(d) not in known and d.span.path not in unread
    }


def _grew(before: _State, after: _State) -> bool:
    """Whether a fault that is told elsewhere than in the files that changed is new."""
    if has_errors(d for d in before.findings if d.code[0] in "YNS"):
        return False
    return bool(Counter(map(_kind, after.findings)) - Counter(map(_kind, before.findings)))


def _kind(diagnostic: Diagnostic) -> tuple[str, str, str]:
    """A finding without its place, which an edit before it moves."""
    path = diagnostic.span.path if diagnostic.span else ""
    return diagnostic.code, diagnostic.message, path
