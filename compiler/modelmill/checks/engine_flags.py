"""C510–C513: engine flags against the engine's catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from modelmill.catalogues import EngineCatalogue, Flag, engine_catalogue, version_key
from modelmill.diagnostics import Diagnostic, Fix, Note, did_you_mean, error, warning
from modelmill.groups import SIMULATOR
from modelmill.shapes import written
from modelmill.spec.engine import Engine
from modelmill.variant import Variant

READS = "engine.args engine.type engine.version worker"
Place = tuple[str, ...]
EXPECTED = {
    "integer": "a whole number",
    "number": "a number",
    "switch": "true or false",
    "flag": "true or false",
    "string": "one value",
}
FITS: Mapping[str, Callable[[Any], bool]] = {
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "switch": lambda value: isinstance(value, bool),
    "flag": lambda value: isinstance(value, bool),
    "string": lambda value: not isinstance(value, dict | list | bool),
    "json": lambda value: isinstance(value, dict | list),
}


def check(variant: Variant) -> Iterable[Diagnostic]:
    for place, engine, args in _written(variant):
        inputs = ("engine flags", *place, engine.type, engine.version, variant.tree.get(*place))
        yield from variant.once(inputs, partial(_judge, variant, place, engine, args))


def _written(variant: Variant) -> Iterable[tuple[Place, Engine, Mapping[str, Any]]]:
    """Flags of engines and of their workers, with the place of each. Workers of a simulator are as
    it is, and have none of their own."""
    for key, role in variant.roles.items():
        engine, worker = role.engine, role.worker
        if engine is not None and engine.args:
            yield ("roles", key, "engine", "args"), engine, engine.args
        if engine is not None and engine.type != SIMULATOR and worker is not None and worker.args:
            yield ("roles", key, "worker", "args"), engine, worker.args


def _judge(
    variant: Variant, place: Place, engine: Engine, args: Mapping[str, Any]
) -> tuple[Diagnostic, ...]:
    catalogue = engine_catalogue(engine.type)
    found: list[Diagnostic] = []
    seen: dict[str, str] = {}
    for name, value in args.items():
        path = (*place, name)
        found.extend(_check(variant, catalogue, engine, path, name, value))
        flag = catalogue.find(name)
        if flag is None or flag.owner:
            continue
        first = seen.setdefault(flag.name, name)
        if first != name:
            found.append(
                error(
                    "C513",
                    f"`{name}` and `{first}` are the same flag",
                    variant.key_span_of(*path),
                    "keep one of them",
                    [Note("the first is here", variant.key_span_of(*path[:-1], first))],
                )
            )
    return tuple(found)


def _check(
    variant: Variant,
    catalogue: EngineCatalogue,
    engine: Engine,
    path: tuple[str, ...],
    name: str,
    value: Any,
) -> Iterable[Diagnostic]:
    if name.startswith("-"):
        yield error(
            "C513",
            f"`{name}`: flags are written without dashes",
            variant.key_span_of(*path),
            f"write `{name.lstrip('-')}`",
        )
        return
    flag = catalogue.find(name)
    if not catalogue.flags:
        return
    if flag is None:
        release = f"{catalogue.engine} {engine.version or ''}".rstrip()
        yield warning(
            "C510",
            f"`{name}` is no flag of {release} that modelmill knows",
            variant.key_span_of(*path),
            did_you_mean(name, catalogue.flags) or "check its spelling; it is passed on as it is",
        )
        return
    if flag.owner:
        message, span = f"`{name}` is set from `{flag.owner}`", variant.key_span_of(*path)
        yield error("C511", message, span, f"set `{flag.owner}` instead")
        return
    if flag.removed or flag.deprecated:
        yield from _age(catalogue, engine, flag, variant, path)
    fault = _fault(flag, value)
    if fault:
        node = variant.tree.nearest(*path)
        yield error("C513", f"`{name}` must be {fault}, not {written(node)}", node.span)


def _age(
    catalogue: EngineCatalogue, engine: Engine, flag: Flag, variant: Variant, path: tuple[str, ...]
) -> Iterable[Diagnostic]:
    if engine.version is None:
        return
    version = version_key(engine.version)
    instead = f"use `{flag.use}`" if flag.use else "take it out; nothing takes its place"
    span, fixes = variant.key_span_of(*path), _renamed(flag, path[-1])
    if flag.removed and version >= version_key(flag.removed):
        message = f"{catalogue.engine} has no `{flag.name}` since {flag.removed}"
        yield error("C512", message, span, instead)._replace(fixes=fixes)
    elif flag.deprecated and version >= version_key(flag.deprecated):
        message = f"{catalogue.engine} deprecates `{flag.name}` since {flag.deprecated}"
        yield warning("C512", message, span, instead)._replace(fixes=fixes)


def _renamed(flag: Flag, written_as: str) -> tuple[Fix, ...]:
    return (Fix(written_as, flag.use),) if flag.renamed else ()


def _fault(flag: Flag, value: Any) -> str:
    """What the flag expects, if the value is something else."""
    if flag.choices and not isinstance(value, list | dict) and str(value) not in flag.choices:
        return "one of " + ", ".join(flag.choices)
    fits = FITS.get(flag.type)
    if fits is None or fits(value):
        return ""
    return EXPECTED.get(flag.type, "a mapping or a list, which is written as JSON")
