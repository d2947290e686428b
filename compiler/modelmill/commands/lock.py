"""`modelmill lock`: look up what tags and branches stand for, and write modelmill.lock."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from modelmill import console
from modelmill.catalog import Document
from modelmill.commands.options import format_option
from modelmill.commands.shared import enforcing, overlay_of, read
from modelmill.compilation import Compilation, compile_repository
from modelmill.diagnostics import Diagnostic, error, has_errors
from modelmill.newfiles import replace
from modelmill.pins import (
    EVERY,
    LOCK,
    Used,
    assumed,
    changed,
    commits,
    digests,
    lock_text,
    strict,
)
from modelmill.registries import image
from modelmill.repository import Repository
from modelmill.showing import counted
from modelmill.tuples import NamedTuple


class _Plan(NamedTuple):
    """What is looked up, and what is kept as it is."""

    ask: Used
    images: Mapping[str, str]
    models: Mapping[str, str]


@click.command(name="lock")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--update", is_flag=True, help="Look up what is in the lock already, too.")
@click.option("--check", is_flag=True, help="Ask nobody; exit 1 if the lock is not complete.")
@click.option(
    "--mirror", metavar="ENV", help="Ask the registries from which this environment pulls."
)
@format_option
@click.pass_obj
def command(
    directory: Path,
    names: tuple[str, ...],
    update: bool,
    check: bool,
    mirror: str | None,
    format_name: str,
) -> int:
    """Write into modelmill.lock which digest each image has, and which commit each model.

    What is there stays, until --update: all of it, or only NAMEs, as `vllm/vllm-openai` or
    `Qwen/Qwen3-32B`. What nothing names any more is taken out.
    """
    if (names and not update) or (check and (update or mirror)):
        raise click.UsageError("NAMEs go with --update, and --check goes alone")
    sources, repository = read(directory, format_name)
    if check:
        return _check(repository, format_name)
    compilation = _assuming(repository)
    if has_errors(compilation.diagnostics):
        return console.findings(compilation.diagnostics, sources.texts, format_name)
    before = repository.catalog.lock
    plan = _plan(before, compilation.used, _chosen(names, compilation.used) if update else None)
    after, faults = _looked_up(repository, plan, mirror)
    text = lock_text(after)
    if text != sources.texts.get(LOCK):
        replace(sources.root, {LOCK: text}, {LOCK: sources.texts.get(LOCK)})
    status = console.findings(faults, {**sources.texts, LOCK: text}, format_name) if faults else 0
    console.say(_summary(before, after))
    return status


def _check(repository: Repository, format_name: str) -> int:
    whole = enforcing(repository)
    found = strict(compile_repository(whole, jobs=os.cpu_count() or 1).diagnostics, EVERY)
    return console.findings(found, repository.texts, format_name)


def _assuming(repository: Repository) -> Compilation:
    """What the repository compiles to if everything is in the lock: what moves is no error then."""
    lock = assumed(repository.catalog.lock)
    catalog = repository.catalog._replace(lock=lock)
    versions = repository.versions._replace(digests=digests(lock))
    pinned = repository._replace(catalog=catalog, versions=versions)
    return compile_repository(pinned, jobs=os.cpu_count() or 1, seen=console.Progress("compiling"))


def _chosen(names: Sequence[str], used: Used) -> Used:
    """What is to be renewed: everything, or what the names stand for."""
    if not names:
        return used
    every = (*used.images, *used.models)
    matched = {name: {key for key in every if _is_meant(key, name)} for name in names}
    for name, keys in matched.items():
        if not keys:
            raise click.UsageError(f"no image and no model of the hub is named `{name}` here")
    chosen = frozenset().union(*matched.values())
    return Used(used.images & chosen, used.models & chosen)


def _is_meant(key: str, name: str) -> bool:
    """Whether a name stands for an entry: all of it, or its end, with or without tag or branch."""
    stem = key.rpartition("@")[0] or key
    folder, slash, last = stem.rpartition("/")
    bare = folder + slash + last.partition(":")[0] if "://" not in key else stem
    return any(f"/{each}".endswith(f"/{name}") for each in (key, stem, bare))


def _plan(lock: Document | None, used: Used, renewed: Used | None) -> _Plan:
    images = {key: value for key, value in digests(lock).items() if key in used.images}
    models = {key: value for key, value in commits(lock).items() if key in used.models}
    again = renewed or Used()
    ask = Used(
        (used.images - images.keys()) | again.images, (used.models - models.keys()) | again.models
    )
    return _Plan(ask, images, models)


def _looked_up(
    repository: Repository, plan: _Plan, mirror: str | None
) -> tuple[Document, list[Diagnostic]]:
    """The lock as it will be, and what could not be looked up; of that the old entries stay."""
    from modelmill.lookups import look_up

    overlay = overlay_of(repository, mirror)
    project = repository.versions.registries if mirror else {}
    registries = {**project, **(overlay.record.registries if overlay else {})}
    found = look_up(
        plan.ask,
        os.environ,
        lambda key: image(key, registries),
        console.Progress("looking up"),
    )
    after = changed(
        repository.catalog.lock,
        versions=repository.versions.name,
        images={**plan.images, **found.images},
        models={**plan.models, **found.models},
    )
    faults = [
        error("G953", f"`{key}` cannot be looked up: {fault}", hint=fault.hint)
        for key, fault in found.faults.items()
    ]
    return after, faults


def _summary(before: Document | None, after: Document) -> str:
    old = {**digests(before), **commits(before)}
    new = {**digests(after), **commits(after)}
    told = list(_changes(old, new))
    for line in told:
        console.say(line)
    images, models = counted(len(digests(after)), "image"), counted(len(commits(after)), "model")
    return f"{LOCK} pins {images} and {models}{'' if told else '; nothing changed'}"


def _changes(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for key in sorted(old.keys() | new.keys()):
        was, now = old.get(key), new.get(key)
        if was != now:
            word = "added  " if was is None else "removed" if now is None else "changed"
            value = now or was or ""
            yield (
                f"{word} {key} {_short(was)} → {_short(now)}"
                if was and now
                else (f"{word} {key} {_short(value)}")
            )


def _short(value: str | None) -> str:
    """As many digits as people compare."""
    return (value or "").removeprefix("sha256:")[:12]
