"""`modelmill impact`: which models, environments and accelerators an edit reaches."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from modelmill import console, impact
from modelmill.commands.options import environment_option
from modelmill.commands.shared import compared, read
from modelmill.diagnostics import did_you_mean
from modelmill.impact import Reached
from modelmill.reach import paths_of, uses_of
from modelmill.reports.wording import visible
from modelmill.repository import Repository
from modelmill.sources import PROJECT


@click.command(name="impact")
@click.argument("names", nargs=-1, metavar="[PRESET|FILE]...")
@click.option("--base", metavar="REV", help="What was edited since REV, instead.")
@environment_option
@click.option(
    "--format", "format_name", type=click.Choice(["text", "markdown", "json"]), default="text"
)
@click.pass_obj
def command(
    directory: Path,
    names: tuple[str, ...],
    base: str | None,
    environment: str | None,
    format_name: str,
) -> int:
    """Show which models and environments an edit of each PRESET or input FILE would reach.

    With --base: those whose manifests change since REV, and how many of their pods restart.
    """
    if (base is None) == (not names):
        raise click.UsageError("name presets or input files, or a commit with --base")
    sources, repository = read(directory)
    if base is not None:
        comparison = compared(sources, repository, base, (), environment)
        console.result(_rendered(impact.of_comparison(comparison), [], base, format_name))
        return 0
    found, problems = uses_of(repository, _paths(repository, names))
    reached = [Reached(use) for use in found if environment in (None, use.environment)]
    console.result(_rendered(reached, list(names), "", format_name))
    return console.findings(problems, sources.texts, "text") if problems else 0


def _paths(repository: Repository, names: Iterable[str]) -> set[str]:
    """Of presets by their names, and of files as they are named."""
    catalog = repository.catalog
    documents = [
        *catalog.models.values(),
        *catalog.presets.values(),
        *catalog.overlays.values(),
    ]
    files = {PROJECT, *(path for each in documents for path in paths_of(each))}
    found = set()
    for name in names:
        path = catalog.presets[name].path if name in catalog.presets else name.removeprefix("./")
        if path not in files:
            hint = did_you_mean(name, [*catalog.presets, *files])
            message = f"there is no preset or input file `{name}`" + (f"; {hint}" if hint else "")
            raise click.UsageError(visible(message))
        found.add(path)
    return found


def _rendered(found: list[Reached], names: list[str], base: str, format_name: str) -> str:
    if format_name == "json":
        key, value = ("base", base) if base else ("of", names)
        return impact.render_json(found, key, value)
    what = f"what was edited since {base}" if base else ", ".join(names)
    return (impact.render_markdown if format_name == "markdown" else impact.render)(found, what)
