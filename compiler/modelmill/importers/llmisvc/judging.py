"""A service put together, and everything that is wrong with it.

In: what was read. Out: for each service its composed specification and its children, and findings
with the place of the value that each is about, in whichever file it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelmill.diagnostics import Diagnostic, Span, did_you_mean, error, has_errors, tidy, warning
from modelmill.importers.llmisvc.children import children
from modelmill.importers.llmisvc.composing import Composed, compose
from modelmill.importers.llmisvc.reading import Document, Input
from modelmill.kserve import rules
from modelmill.tree import Node
from modelmill.tuples import NamedTuple


class Judged(NamedTuple):
    """A service: as it stands, composed, and what KServe would make of it. `children` is empty
    where there are errors."""

    document: Document
    composed: Composed
    children: tuple[Mapping[str, Any], ...]
    findings: tuple[Diagnostic, ...]


def judged(given: Input, *, complete: bool = True) -> list[Judged]:
    """`complete`: whether all that a service is made of must be among the files. Else a picker's
    ConfigMap may be the cluster's, and so may KServe's presets where none of them is there; nothing
    is said of children then."""
    return [_judged(given, each, complete=complete) for each in given.services]


def _judged(given: Input, service: Document, *, complete: bool) -> Judged:
    if not service.is_sound:
        return Judged(service, Composed({}, (), (), ()), (), ())
    layers = given.layers
    own = (service.metadata, service.spec)
    composed = compose(*own, layers, given.platform, given.config_maps)
    missing = _missing(given, service, composed, complete=complete)
    found = [*_of_spec(given, service, composed), *missing]
    if has_errors(found) or not complete:
        return Judged(service, composed, (), tidy(found))
    made = children(service.metadata, composed.spec, given.platform)
    return Judged(service, composed, tuple(made), tidy(found))


def _of_spec(given: Input, service: Document, composed: Composed) -> Iterable[Diagnostic]:
    """What KServe refuses of the service as it stands, or once it is put together."""
    seen = set()
    for spec in (service.spec, composed.spec):
        for fault in rules.faults(spec):
            if (fault.path, fault.message) not in seen:
                seen.add((fault.path, fault.message))
                span = span_of(given, service, composed, fault.path)
                yield error("I853", fault.message, span, fault.hint)
    for fault in rules.lost_ranks(composed.spec):
        span = span_of(given, service, composed, fault.path)
        yield warning("I858", fault.message, span, fault.hint)
    for config in given.configs:
        for fault in rules.config_faults(config.spec):
            span = config.node.nearest("spec", *fault.path).key_span
            yield error("I853", fault.message, span, fault.hint)


def _missing(
    given: Input, service: Document, composed: Composed, *, complete: bool
) -> Iterable[Diagnostic]:
    has_presets = any(each.name.startswith(given.platform.prefix) for each in given.configs)
    of_kserve = {each.name for each in composed.layers if each.is_preset}
    known = [each.name for each in given.configs]
    for name in composed.missing:
        if name in of_kserve and not (complete or has_presets):
            continue
        if name in of_kserve:
            message = f"KServe's preset `{name}` is not among the files"
            hint = "add it by --with: it is in KServe's config/llmisvcconfig, or in the cluster"
            if name.endswith("worker-pipeline-parallel"):
                hint = "KServe ships none of that name: write one, or a `worker` by data ranks"
            yield error("I854", message, service.node.nearest("metadata", "name").span, hint)
        else:
            hint = did_you_mean(name, known) or "add its file by --with"
            message = f"the configuration `{name}` is not among the files"
            yield error("I854", message, _reference(service, name), hint)
    for name in composed.unread if complete else ():
        path = ("router", "scheduler", "config", "ref")
        span = span_of(given, service, composed, path)
        message = f"the ConfigMap `{name}` of the picker's configuration cannot be read"
        yield error("I854", message, span, "add its file by --with")
    for failure in composed.failures:
        span = span_of(given, service, composed, failure.path)
        message = f"a template cannot be evaluated: {failure.reason}"
        yield error("I855", message, span)


def _reference(service: Document, name: str) -> Span:
    refs = service.node.get("spec", "baseRefs")
    for each in refs.value if refs is not None and isinstance(refs.value, list) else []:
        named: Node | None = each.get("name")
        if named is not None and named.value == name:
            return named.span
    return service.node.nearest("spec").span


def span_of(
    given: Input, service: Document, composed: Composed, path: tuple[str | int, ...]
) -> Span:
    """Where a value of the composed specification was set: in the highest layer that has it."""
    names = [each.name for each in reversed(composed.layers[:-1])]
    configs = {each.name: each for each in given.configs}
    layers = [service, *(configs[name] for name in names if name in configs)]
    for depth in range(len(path), 0, -1):
        for layer in layers:
            found = layer.node.get("spec", *path[:depth])
            if found is not None:
                return found.key_span if depth == len(path) else found.span
    return service.node.nearest("spec").span
