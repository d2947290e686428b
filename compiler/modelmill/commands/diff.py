"""`modelmill diff`: what a change does to the manifests, as a person reads it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from modelmill import console
from modelmill.commands.options import environment_option
from modelmill.commands.shared import compared, read
from modelmill.comparison import Comparison
from modelmill.scopes import Scope


@click.command(name="diff")
@click.argument("revision", required=False, metavar="[REV]")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@environment_option
@click.option("--base", metavar="REV", help="The same as REV; every argument is then a model.")
@click.option(
    "--format", "format_name", type=click.Choice(["text", "markdown", "json"]), default="text"
)
@click.option("--exit-code", is_flag=True, help="Exit 1 if the manifests change.")
@click.option(
    "--fail-on",
    type=click.Choice(["danger", "notice"]),
    help="Exit 1 if the change is dangerous, or worth a look.",
)
@click.pass_obj
def command(
    directory: Path,
    revision: str | None,
    models: tuple[str, ...],
    environment: str | None,
    base: str | None,
    format_name: str,
    exit_code: bool,
    fail_on: str | None,
) -> int:
    """Show how the manifests change from REV (HEAD unless given) to the files as they are.

    Both sides are compiled anew; generated/ is not looked at. Nothing is written or checked out.
    What is dangerous about the change is told with it: fields that cannot change, data and traffic
    that are lost, pods that restart.
    """
    if base is not None and revision is not None:
        models = (revision, *models)
    sources, repository = read(directory, only=Scope(frozenset(models)) if models else None)
    against = base if base is not None else revision or "HEAD"
    comparison = compared(sources, repository, against, models, environment)
    console.result(_rendered(comparison, against, format_name))
    changes = any(change.parts for change in comparison.models)
    return 1 if (exit_code and changes) or _fails(comparison, fail_on) else 0


def _fails(comparison: Comparison, level: str | None) -> bool:
    levels = {"danger": {"danger"}, "notice": {"danger", "notice"}}.get(level or "", set())
    effects = (effect for change in comparison.models for effect in change.effects)
    return any(each.level in levels for effect in effects for each in effect.dangers)


def _rendered(comparison: Comparison, revision: str, format_name: str) -> str:
    if format_name == "markdown":
        from modelmill import diff_markdown

        return diff_markdown.render(comparison, revision)
    from modelmill import diff_text

    if format_name == "json":
        return diff_text.render_json(comparison, revision)
    return diff_text.render(comparison, color=console.wants_color(sys.stdout))
