"""What several commands need: a repository read and indexed, and what is said and written."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

from modelmill import console
from modelmill.catalog import Document
from modelmill.diagnostics import CompileError, Diagnostic, did_you_mean, tidy
from modelmill.pins import enforced
from modelmill.reports.wording import visible
from modelmill.repository import Repository, index
from modelmill.scopes import Scope
from modelmill.showing import counted
from modelmill.sources import PROJECT, Sources, read_sources, root_above

if TYPE_CHECKING:
    from pathlib import Path

    from modelmill.comparison import Comparison
    from modelmill.editing.edits import Edit
    from modelmill.editing.outcome import Outcome
    from modelmill.fixes import Done
    from modelmill.git import Commit


def write_fixes(
    root: Path,
    before: Mapping[str, str],
    after: Mapping[str, str],
    done: Iterable[Done],
    *,
    dry_run: bool,
) -> None:
    """Write files that were fixed, all or none, and say what was done; or only print it."""
    from difflib import unified_diff

    from modelmill.editing.concealed import concealed
    from modelmill.newfiles import replace

    if dry_run:
        for path in sorted(after):
            texts = (concealed(path, each) for each in (before[path], after[path]))
            old, new = (each.splitlines(keepends=True) for each in texts)
            console.result(visible_lines(unified_diff(old, new, path, path)))
    else:
        try:
            replace(root, after, before)
        except CompileError as fault:
            stop(console.findings(fault.diagnostics, before, "text"))
    act = "would be" if dry_run else "is now"
    for each in done:
        console.say(visible(f"{each.span}: `{each.fix.old}` {act} `{each.fix.new}` ({each.code})"))


def visible_lines(lines: Iterable[str]) -> str:
    return "".join(visible(each.rstrip("\r\n")) + "\n" for each in lines)


def enforcing(repository: Repository) -> Repository:
    """The repository with a lock in which everything has to be."""
    catalog = repository.catalog
    return repository._replace(catalog=catalog._replace(lock=enforced(catalog.lock)))


def read(
    directory: Path | str, format_name: str = "text", only: Scope | None = None
) -> tuple[Sources, Repository]:
    """The repository at or above a folder; faults that leave nothing to work on end the command.
    `only`: without the files of other models, unless one of these is not there."""
    texts: dict[str, str] = {}
    try:
        sources = read_sources(root_above(os.path.realpath(directory)), texts, only=only)
        if only is not None and not only.names <= sources.models:
            sources = read_sources(sources.folder, texts, known=sources)
        return sources, index(sources)
    except CompileError as fault:
        stop(console.findings(fault.diagnostics, texts, format_name))


def stop(status: int) -> NoReturn:
    raise console.Stop(status)


def misuse(message: str) -> NoReturn:
    """The command cannot be meant so. click says how it is called, and is not needed before."""
    import click

    raise click.UsageError(message)


def chosen(kind: str, names: Iterable[str], known: Iterable[str]) -> list[str]:
    """The names, each of which must exist."""
    existing = list(known)
    for name in names:
        if name not in existing:
            hint = did_you_mean(name, existing)
            misuse(f"there is no {kind} `{name}`" + (f"; {hint}" if hint else ""))
    return list(names)


def model_of(repository: Repository, name: str) -> Document:
    """A model by its name. One whose file has faults exists, so the faults are what to say."""
    if ("Model", name) in repository.catalog.unread:
        stop(console.findings(repository.problems, repository.texts, "text"))
    chosen("model", [name], repository.catalog.models)
    return repository.catalog.models[name]


def overlay_of(repository: Repository, environment: str | None) -> Document | None:
    if environment is None:
        return None
    chosen("environment", [environment], repository.catalog.overlays)
    return repository.catalog.overlays[environment]


def read_files(
    directory: Path, names: Sequence[str], texts: dict[str, str]
) -> list[tuple[str, bytes]]:
    """The files as they are named, below the directory; their texts for reports. A folder stands
    for its YAML files."""
    read = []
    for name in (file for each in names for file in _files_of(directory, each)):
        try:
            data = (directory / name).read_bytes()
        except OSError as fault:
            misuse(f"cannot read `{name}`: {fault.strerror}")
        texts[name] = data.decode("utf-8", "replace")
        read.append((name, data))
    return read


def _files_of(directory: Path, name: str) -> list[str]:
    folder = directory / name
    if not folder.is_dir():
        return [name]
    inside = (each.name for each in folder.iterdir() if each.suffix in (".yaml", ".yml"))
    return sorted(os.path.join(name, each) for each in inside)


def compared(
    sources: Sources,
    repository: Repository,
    revision: str,
    models: Sequence[str] = (),
    environment: str | None = None,
) -> Comparison:
    """What changes from a commit to the files as they are; a side with faults ends the command."""
    from modelmill.comparison import compare_repositories
    from modelmill.git import GitError, resolve

    try:
        commit = resolve(sources.root, revision)
        before = _at(commit, sources, models)
        if before is not None and set(models) - sources.models - before.catalog.models.keys():
            before = _at(commit, sources, ())
    except GitError as fault:
        hint = _meant_a_model(sources, revision)
        misuse(visible(f"{fault}{hint}"))
    except CompileError as fault:
        stop(_faulty(revision, fault.diagnostics))
    _exist(before, repository, models, environment)
    jobs = os.cpu_count() or 1
    comparison = compare_repositories(before, repository, models, environment, jobs)
    if comparison.after:
        stop(console.findings(comparison.after, sources.texts, "text"))
    if comparison.before:
        stop(_faulty(revision, comparison.before))
    return comparison


def _at(commit: Commit, now: Sources, models: Sequence[str]) -> Repository | None:
    """The repository in a commit, where most may read as it does now; None where it did not exist
    yet."""
    from modelmill.git import CommitFiles

    files = CommitFiles(commit, (*now.passed.values(), *(t.encode() for t in now.texts.values())))
    if not files.exists(PROJECT):
        console.say(visible(f"`{commit.name}` has no {PROJECT} here: everything is new"))
        return None
    only = Scope(frozenset(models)) if models else None
    return index(read_sources(commit.root, files=files, known=now, only=only))


def _exist(
    before: Repository | None,
    after: Repository,
    models: Sequence[str],
    environment: str | None,
) -> None:
    catalogs = [each.catalog for each in (before, after) if each is not None]
    chosen("model", models, sorted({name for c in catalogs for name in c.models}))
    if environment is not None:
        known = sorted({name for c in catalogs for name in c.overlays})
        chosen("environment", [environment], known)


def _meant_a_model(sources: Sources, revision: str) -> str:
    only = Scope(frozenset((revision,)))
    if revision not in read_sources(sources.root, known=sources, only=only).models:
        return ""
    return f"; `{revision}` is a model: write `modelmill diff HEAD {revision}`"


def _faulty(revision: str, diagnostics: Sequence[Diagnostic]) -> int:
    """One line for the side that nobody can mend any more."""
    found = [d for d in tidy(diagnostics) if d.severity == "error"]
    place = f"{found[0].span}: " if found[0].span else ""
    first = f"{place}error[{found[0].code}]: {found[0].message}"
    count = f" ({counted(len(found), 'error')})" if len(found) > 1 else ""
    console.say(visible(f"`{revision}` does not compile{count}: {first}"))
    return 1


def edited_text(path: str, text: str, edits: Sequence[Edit]) -> str:
    """A file's text with edits; one that cannot be made ends the command."""
    from modelmill.editing.edits import edited

    try:
        return edited(path, text, edits)
    except CompileError as fault:
        stop(console.findings(fault.diagnostics, {path: text}, "text"))


def apply_edits(
    sources: Sources, repository: Repository, edited: Mapping[str, str], *, dry_run: bool
) -> Outcome:
    """Write edited files, and show how the manifests change. What has errors that the repository
    did not have before ends the command instead."""
    from modelmill.diff_text import render
    from modelmill.editing.outcome import outcome
    from modelmill.newfiles import replace

    found = outcome(sources, repository, edited)
    if found.findings and console.findings(found.findings, found.texts, "text"):
        console.say("nothing was written")
        stop(1)
    if not dry_run:
        replace(sources.root, edited, {path: sources.texts[path] for path in edited})
    if found.comparison.before or found.comparison.after:
        # A side that does not compile would look like objects that are deleted.
        console.say("the repository had errors before, and has: the manifests are not compared")
    else:
        console.result(render(found.comparison, color=console.wants_color(sys.stdout)))
    act = "would be written" if dry_run else "written; `modelmill compile` renews what is generated"
    console.say(visible(f"{', '.join(edited)}: {act}"))
    return found
