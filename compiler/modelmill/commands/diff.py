"""`modelmill diff`: what a change does to the manifests, as a person reads it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from modelmill import console
from modelmill.commands.shared import chosen, environment_option, read
from modelmill.comparison import Comparison, compare_repositories
from modelmill.diagnostics import CompileError, Diagnostic, tidy
from modelmill.git import Commit, CommitFiles, GitError, resolve
from modelmill.pipeline import Repository, index
from modelmill.reports.wording import visible
from modelmill.showing import counted
from modelmill.sources import PROJECT, read_sources


@click.command(name="diff")
@click.argument("revision", default="HEAD", metavar="[REV]")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@environment_option
@click.option(
    "--format", "format_name", type=click.Choice(["text", "markdown", "json"]), default="text"
)
@click.option("--exit-code", is_flag=True, help="Exit 1 if the manifests change.")
@click.pass_obj
def command(
    directory: Path,
    revision: str,
    models: tuple[str, ...],
    environment: str | None,
    format_name: str,
    exit_code: bool,
) -> int:
    """Show how the manifests change from REV (HEAD unless given) to the files as they are.

    Both sides are compiled anew; generated/ is not looked at. Nothing is written or checked out.
    """
    sources, repository = read(directory)
    try:
        commit = resolve(sources.root, revision)
        before = _at(commit)
    except GitError as fault:
        hint = _meant_a_model(repository, revision)
        raise click.UsageError(visible(f"{fault}{hint}")) from None
    except CompileError as fault:
        return _faulty(revision, fault.diagnostics)
    _exist(before, repository, models, environment)
    comparison = compare_repositories(before, repository, models, environment, os.cpu_count() or 1)
    status = 0
    if comparison.before:
        status = _faulty(revision, comparison.before)
    if comparison.after:
        status = console.findings(comparison.after, sources.texts, "text")
    if status == 0:
        console.result(_rendered(comparison, revision, format_name))
        status = 1 if exit_code and comparison.models else 0
    return status


def _at(commit: Commit) -> Repository | None:
    """The repository in a commit; None where it did not exist yet."""
    files = CommitFiles(commit)
    if not files.exists(PROJECT):
        console.say(visible(f"`{commit.name}` has no {PROJECT} here: everything is new"))
        return None
    return index(read_sources(commit.root, files=files))


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


def _meant_a_model(repository: Repository, revision: str) -> str:
    if revision not in repository.catalog.models:
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


def _rendered(comparison: Comparison, revision: str, format_name: str) -> str:
    if format_name == "markdown":
        from modelmill import diff_markdown

        return diff_markdown.render(comparison, revision)
    from modelmill import diff_text

    if format_name == "json":
        return diff_text.render_json(comparison, revision)
    return diff_text.render(comparison, color=console.wants_color(sys.stdout))
