"""`modelmill explain`: where values came from, and what a preset reaches."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from modelmill import console, impact
from modelmill.commands.options import environment_option
from modelmill.commands.shared import chosen, model_of, overlay_of, read
from modelmill.diagnostics import CompileError, Span
from modelmill.dotted import parse_path
from modelmill.explain import Layer, Origin, Referred, Step, Trace
from modelmill.impact import Reached
from modelmill.reach import uses
from modelmill.reports.wording import visible
from modelmill.repository import Repository
from modelmill.resolve import Resolver, environments_of
from modelmill.scopes import Scope
from modelmill.showing import shown

VERSION = 1


@click.command(name="explain")
@click.argument("model", required=False)
@click.argument("path", required=False)
@environment_option
@click.option("--preset", metavar="NAME", help="Models and environments this preset reaches.")
@click.option("--format", "format_name", type=click.Choice(["text", "json"]), default="text")
@click.pass_obj
def command(
    directory: Path,
    model: str | None,
    path: str | None,
    environment: str | None,
    preset: str | None,
    format_name: str,
) -> int:
    """Show where each value of MODEL came from, or all that is known of the one at PATH.

    PATH is dotted: roles.decode.replicas, engine.args["a.b"]. A path that stands at the top of a
    spec for all roles means every role. With --preset: what an edit of that preset reaches.
    """
    only = Scope(frozenset((model,))) if model is not None and preset is None else None
    sources, repository = read(directory, only=only)
    if preset is not None:
        if model is not None or environment is not None:
            raise click.UsageError("--preset goes without a model and without -e")
        return _reach(repository, preset, sources.texts, format_name)
    if model is None:
        raise click.UsageError("name a model, or a preset with --preset")
    model_of(repository, model)
    try:
        trace = _trace(repository, model, environment)
    except CompileError as fault:
        return console.findings(fault.diagnostics, sources.texts, "text")
    origins = trace.everything() if path is None else _at(trace, path)
    if format_name == "json":
        console.result(_as_json(model, environment, origins))
    elif path is None or len({o.path.rpartition(".")[2] for o in origins}) > 1:
        console.result(_listing(origins))
    else:
        console.result("\n".join(_chain(each) for each in origins))
    return 0


def _trace(repository: Repository, model: str, environment: str | None) -> Trace:
    catalog = repository.catalog
    document = catalog.models[model]
    overlay = overlay_of(repository, environment)
    if overlay is not None and overlay not in environments_of(catalog, document):
        raise click.UsageError(f"the environment `{overlay.name}` does not take `{model}`")
    resolver = Resolver(catalog)
    resolved = resolver.variant(document, overlay) if overlay else resolver.base(document)
    return Trace(catalog, resolved)


def _at(trace: Trace, text: str) -> list[Origin]:
    path = parse_path(text)
    if path is None:
        raise click.UsageError(f'`{text}` is not a path; write roles.decode.replicas or a["b.c"]')
    path = path[1:] if path[0] == "spec" and len(path) > 1 else path
    origins = trace.below(path)
    if not origins:
        is_field, message = trace.unset(path)
        if not is_field:
            raise click.UsageError(visible(message))
        console.say(visible(message))
    return origins


def _listing(origins: Sequence[Origin]) -> str:
    """One line a value: what it is, and the place that decided it."""
    rows = [(o.path, _value(o), str(o.steps[0].span)) for o in origins]
    left = [visible(f"{path} = ") + value for path, value, _ in rows]
    width = min(max(map(len, left), default=0), 100)
    return "".join(
        f"{text:<{width}}  {visible(place)}\n"
        for text, (_, _, place) in zip(left, rows, strict=True)
    )


def _chain(origin: Origin) -> str:
    """All that is known of one value, newest first."""
    rows = [_row(index, step) for index, step in enumerate(origin.steps)]
    rows[1:1] = list(_reference_rows(origin.references, origin.path))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=False)) for row in rows
    ]
    ends = [row[3] for row in rows]
    bold = ("\x1b[1m", "\x1b[0m") if console.wants_color(sys.stdout) else ("", "")
    head = f"{bold[0]}{visible(origin.path)} = {_value(origin)}{bold[1]}"
    return "\n".join([head, *(f"  {a}  {b}" for a, b in zip(lines, ends, strict=True)), ""])


def _value(origin: Origin) -> str:
    return shown(origin.value) if origin.is_set else "(not set)"


def _row(index: int, step: Step) -> tuple[str, str, str, str]:
    word = {"set": "set", "unset": "unset", "replaced": "replaced"}[step.act]
    if index:
        word = "over" if step.act == "set" else "over unset"
    went = "replaced with" if index else "with"
    ending = f", {went} all of {step.whole}" if step.whole else ""
    text = shown(step.text, 80) if step.act == "set" else "null" if step.act == "unset" else ""
    return word, str(step.span), text, visible(f"{step.layer}{ending}")


def _reference_rows(
    references: Sequence[Referred], holder: str
) -> Iterator[tuple[str, str, str, str]]:
    for each in references:
        told = f"{each.text} is {each.path}, {each.layer}"
        yield "from", str(each.span), shown(each.value, 80), visible(told)
        yield from _reference_rows(each.references, holder)


def _as_json(model: str, environment: str | None, origins: Sequence[Origin]) -> str:
    document = {
        "version": VERSION,
        "model": model,
        "environment": environment,
        "values": [
            {
                "path": o.path,
                "set": o.is_set,
                "value": o.value,
                "steps": [_step_json(step) for step in o.steps],
                "references": [_referred_json(each) for each in o.references],
            }
            for o in origins
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def _step_json(step: Step) -> dict[str, Any]:
    return {
        "act": step.act,
        "text": step.text,
        "whole": step.whole or None,
        **_place(step.span, step.layer),
    }


def _referred_json(each: Referred) -> dict[str, Any]:
    return {
        "text": each.text,
        "path": each.path,
        "value": each.value,
        **_place(each.span, each.layer),
        "references": [_referred_json(further) for further in each.references],
    }


def _place(span: Span, layer: Layer) -> dict[str, Any]:
    place = {"path": span.path, "line": span.line, "column": span.column}
    return {"place": place, "layer": layer._asdict()}


def _reach(repository: Repository, preset: str, texts: dict[str, str], format_name: str) -> int:
    chosen("preset", [preset], repository.catalog.presets)
    found, problems = uses(repository, preset)
    reached = [Reached(use) for use in found]
    if format_name == "json":
        console.result(impact.render_json(reached, "preset", preset))
    else:
        console.result(impact.render(reached, f"preset `{preset}`"))
    return console.findings(problems, texts, "text") if problems else 0
