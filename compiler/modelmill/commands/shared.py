"""What several commands need: their options, and a repository read and indexed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from modelmill import console
from modelmill.catalog import Document
from modelmill.diagnostics import CompileError, did_you_mean
from modelmill.pipeline import Repository, index
from modelmill.sources import Sources, find_root, read_sources

F = TypeVar("F", bound=Callable[..., Any])


def format_option(command: F) -> F:
    return click.option(
        "--format",
        "format_name",
        type=click.Choice(console.FORMATS),
        default=console.default_format,
        show_default="text, or github in a GitHub workflow",
        help="How findings are printed.",
    )(command)


def environment_option(command: F) -> F:
    return click.option("-e", "--environment", metavar="ENV", help="An environment, by its name.")(
        command
    )


def read(directory: Path, format_name: str = "text") -> tuple[Sources, Repository]:
    """The repository at or above a folder; faults that leave nothing to work on end the command."""
    texts: dict[str, str] = {}
    try:
        sources = read_sources(find_root(directory.resolve()), texts)
        return sources, index(sources)
    except CompileError as fault:
        stop(console.findings(fault.diagnostics, texts, format_name))


def stop(status: int) -> NoReturn:
    raise click.exceptions.Exit(status)


def chosen(kind: str, names: Iterable[str], known: Iterable[str]) -> list[str]:
    """The names, each of which must exist."""
    existing = list(known)
    for name in names:
        if name not in existing:
            hint = did_you_mean(name, existing)
            raise click.UsageError(f"there is no {kind} `{name}`" + (f"; {hint}" if hint else ""))
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
            raise click.UsageError(f"cannot read `{name}`: {fault.strerror}") from fault
        texts[name] = data.decode("utf-8", "replace")
        read.append((name, data))
    return read


def _files_of(directory: Path, name: str) -> list[str]:
    folder = directory / name
    if not folder.is_dir():
        return [name]
    inside = (each.name for each in folder.iterdir() if each.suffix in (".yaml", ".yml"))
    return sorted(str(Path(name) / each) for each in inside)
