"""`modelmill resolve`: clear conflicts of a merge in generated/ by compiling."""

from __future__ import annotations

import os
from pathlib import Path

import click

from modelmill import console
from modelmill.commands.shared import read
from modelmill.compilation import compile_repository
from modelmill.diagnostics import Diagnostic, Span, error, has_errors, warning
from modelmill.git import Git, GitError, resolve
from modelmill.git.merging import add, next_command, sides, unmerged
from modelmill.git.running import online
from modelmill.output import Survey, lock, survey, write
from modelmill.publishing.conflicts import Conflicts, is_settings, sorted_out
from modelmill.reports.wording import visible
from modelmill.showing import counted
from modelmill.sources import find_root

TIMEOUT = 300


@click.command(name="resolve")
@click.pass_obj
def command(directory: Path) -> int:
    """Clear conflicts of a merge, rebase or cherry-pick in generated/, by compiling.

    Conflicts in models, presets and overlays come first, and are a person's to settle. What is
    compiled is added to the index; nothing is committed.
    """
    root = find_root(directory.resolve())
    git = online(root, TIMEOUT)
    try:
        prefix = resolve(root, "HEAD").prefix
        found = unmerged(git)
        ahead = next_command(git)
        if not found and ahead is None:
            console.say("nothing is in conflict")
            return 0
        settings = [path for path in found if is_settings(path, prefix)]
        if settings:
            return console.findings(_unsettled(settings), {}, "text")
        return _resolved(root, git, found, prefix, ahead)
    except GitError as fault:
        return console.findings([error("G925", visible(str(fault)))], {}, "text")


def _resolved(
    root: Path, git: Git, found: dict[str, tuple[str, ...]], prefix: str, ahead: str | None
) -> int:
    sources, repository = read(root)
    paths = sources.project.paths
    held = sides(git, {identity for ids in found.values() for identity in ids})
    conflicts = sorted_out(found, held, prefix, paths)
    if conflicts.inputs:
        return console.findings(_unsettled(conflicts.inputs), {}, "text")
    with lock(root):
        jobs, progress = os.cpu_count() or 1, console.Progress("compiling")
        compilation = compile_repository(repository, None, jobs, progress)
        if has_errors(compilation.diagnostics):
            return console.findings(compilation.diagnostics, sources.texts, "text")
        state = survey(root, paths.generated, compilation.units, ours=conflicts.ours)
        write(state)
    _add(git, f"{prefix}{paths.generated}/", state, conflicts)
    cleared = f": {counted(len(conflicts.ours), 'conflict')} cleared" if conflicts.ours else ""
    console.say(f"{paths.generated}/ is compiled and added{cleared}")
    for path in conflicts.elsewhere:
        console.say(visible(f"note: {path} is still in conflict"))
    left = [_left(f"{prefix}{paths.generated}", path) for path in conflicts.foreign]
    if not conflicts.elsewhere and not left:
        console.say(f"next: {ahead or 'git stash drop, where a stash was applied'}")
    return console.findings(left, {}, "text") if left else 0


def _add(git: Git, folder: str, state: Survey, conflicts: Conflicts) -> None:
    """All that a compile wants, in the index too, and nothing else of the folder."""
    present = {*state.unchanged, *state.changes.added, *state.changes.changed}
    absent = {*state.changes.removed, *conflicts.ours} - present
    add(git, {folder + path for path in present}, {folder + path for path in absent})


def _unsettled(paths: list[str] | tuple[str, ...]) -> list[Diagnostic]:
    hint = "settle it and `git add` the file, then run `modelmill resolve` again"
    return [
        error("G930", visible(f"{path} is in conflict"), Span(path, 1, 1), hint) for path in paths
    ]


def _left(folder: str, path: str) -> Diagnostic:
    message = visible(f"{folder}/{path} is in conflict, and modelmill did not write it")
    return warning("G931", message, Span(f"{folder}/{path}", 1, 1), "settle it by hand")
