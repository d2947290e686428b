"""V250–V252: flags of engines and llm-d's components, known to their release.

In: a command line. Out: faults. A release that is not known is judged by the nearest one that is,
and the finding says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelmill.catalogues import (
    EngineCatalogue,
    engine_catalogue,
    version_key,
    version_set,
    version_sets,
)
from modelmill.diagnostics import Fix, did_you_mean
from modelmill.tuples import NamedTuple
from modelmill.validation.faults import Fault
from modelmill.validation.programs.command_lines import (
    ENGINES,
    CommandLine,
    Flag,
    programs,
    release_of,
)

SAYS = {"routingSidecar": "the routing sidecar", "endpointPicker": "the endpoint picker"}


def faults(line: CommandLine) -> Iterator[Fault]:
    if line.program in ENGINES:
        yield from _of_engine(line)
    else:
        yield from _of_component(line)


def _of_engine(line: CommandLine) -> Iterator[Fault]:
    catalogue = engine_catalogue(line.program)
    known_to = _known_to(line, catalogue)
    for flag in line.flags():
        if _is_short(flag) or "$" in flag.name:
            continue
        entry = _entry(catalogue, flag.name)
        if entry is None:
            message = f"`--{flag.name}` is no flag of {known_to} that is known here"
            hint = did_you_mean(flag.name, catalogue.flags)
            yield Fault("V250", flag.path, message, hint, "warning")
            continue
        retired = entry._asdict()
        yield from _age(catalogue.engine, line.release or catalogue.latest, flag, retired)
        value = flag.values[0] if len(flag.values) == 1 else None
        if entry.choices and value is not None and "$" not in value and value not in entry.choices:
            message = f"`--{flag.name}` must not be `{value}`"
            hint = did_you_mean(value, entry.choices) or f"one of {', '.join(entry.choices)}"
            yield Fault("V252", flag.path, message, hint)
        elif entry.type == "integer" and value is not None and not _is_integer(value):
            message = f"`--{flag.name}` must be a whole number, not `{value}`"
            yield Fault("V252", flag.path, message)


def _entry(catalogue: EngineCatalogue, name: str) -> Any:
    return catalogue.find(name) or catalogue.find(name.removeprefix("no-"))


def _known_to(line: CommandLine, catalogue: EngineCatalogue) -> str:
    if line.release is None:
        return f"{line.program} {catalogue.latest}, the newest"
    if version_key(line.release) > version_key(catalogue.latest):
        return f"{line.program} {catalogue.latest}, the nearest to {line.release}"
    return f"{line.program} {line.release}"


class _Component(NamedTuple):
    """The flags of a component in the release that is nearest to the one that runs."""

    release: str
    flags: frozenset[str]


def _of_component(line: CommandLine) -> Iterator[Fault]:
    nearest = _nearest(line)
    if nearest is None:
        return
    retired: Mapping[str, Any] = programs()["retired"].get(line.program, {})
    families = tuple(programs()["families"].get(line.program, ()))
    for flag in line.flags():
        if flag.name in retired:
            entry = retired[flag.name]
            yield from _age(SAYS[line.program], line.release or nearest.release, flag, entry)
        elif flag.name not in nearest.flags and not flag.name.startswith(families):
            message = f"`--{flag.name}` is no flag of {SAYS[line.program]} {nearest.release}"
            hint = did_you_mean(flag.name, nearest.flags)
            yield Fault("V250", flag.path, message, hint, "warning")


def _nearest(line: CommandLine) -> _Component | None:
    """Of the version sets the one whose release is the same, or the last before it; None where what
    runs is older than all of them."""
    found = None
    for name in version_sets():
        known = version_set(name)
        release = release_of(known.images[line.program])
        assert release is not None
        if line.release is None or version_key(release) <= version_key(line.release):
            component = known.components[line.program]
            found = _Component(release, frozenset((*component.flags, *component.owned)))
    return found


def _age(what: str, release: str, flag: Flag, retired: Mapping[str, Any]) -> Iterator[Fault]:
    version, use = version_key(release), retired.get("use")
    instead = f"use `--{use}`" if use else "take it out; nothing takes its place"
    fixes = (Fix(f"--{flag.name}", f"--{use}"),) if retired.get("renamed") else ()
    removed, deprecated = retired.get("removed"), retired.get("deprecated")
    if removed and version >= version_key(removed):
        message = f"{what} has no `--{flag.name}` since {removed}"
        yield Fault("V251", flag.path, message, instead, fixes=fixes)
    elif deprecated and version >= version_key(deprecated):
        message = f"{what} deprecates `--{flag.name}` since {deprecated}"
        yield Fault("V251", flag.path, message, instead, "warning", fixes=fixes)


def _is_short(flag: Flag) -> bool:
    return len(flag.name) == 1


def _is_integer(text: str) -> bool:
    return (
        "$" in text
        or text.lstrip("+-").isdigit()
        or text.rstrip("kKmMgG").replace(".", "").isdigit()
    )
