"""What is told of an LLMInferenceService that becomes a Model.

In: the service, its configurations, and what was made of them. Out: findings with the place of what
each is about: what changes, what only KServe knows, what cannot be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelmill.diagnostics import Diagnostic, Note, Span, cut, error, warning
from modelmill.dotted import spell
from modelmill.importers.llmisvc.comparing import Difference
from modelmill.importers.llmisvc.composing import Composed
from modelmill.importers.llmisvc.judging import span_of
from modelmill.importers.llmisvc.own import Own, Path
from modelmill.importers.llmisvc.reading import Document, Input

GROUP = "serving.kserve.io/"
STOP = f"{GROUP}stop"
_ONLY_KSERVE: Mapping[tuple[str, ...], tuple[str, str]] = {
    ("router", "ingress"): ("KServe reads `ingress` and does nothing with it", "take it out"),
    ("router", "scheduler", "config", "ref"): (
        "the picker's configuration stays in its ConfigMap, which no Model has",
        "write it under `routing.scheduler.config`, or keep the ConfigMap beside the models",
    ),
}


def about(given: Input, service: Document, composed: Composed, own: Own) -> Iterator[Diagnostic]:
    """What is lost or changes, before anything is made."""
    yield from _named(service, own)
    yield from _evaluated(given, service, composed, own)
    yield from _annotated(service)
    for path, (message, hint) in _ONLY_KSERVE.items():
        if _has(own.spec, path):
            yield warning("I861", message, span_of(given, service, composed, path), hint)
    yield from _adapters(given, service, composed, own)
    pinned = service.node.get("status", "annotations")
    if pinned is not None and pinned.value:
        message = "the presets this service is pinned to by its status are no part of a Model"
        hint = "KServe pins the newest again; see that their names are those you mean"
        yield warning("I862", message, pinned.key_span, hint)


def _named(service: Document, own: Own) -> Iterator[Diagnostic]:
    said = (service.spec.get("model") or {}).get("name")
    name = (own.spec.get("model") or {}).get("name")
    if not said or said == name:
        return
    notes = [
        Note(f"set by the configuration `{config.name}`", node.span)
        for config in own.configs
        if (node := config.node.get("spec", "model", "name")) is not None
    ]
    message = f"KServe serves `{name}`: a configuration's `model.name` beats the service's own"
    span = service.node.nearest("spec", "model", "name").span
    yield warning("I859", message, span, f"the Model says `{name}`, as it runs", notes[-1:])


def _evaluated(
    given: Input, service: Document, composed: Composed, own: Own
) -> Iterator[Diagnostic]:
    for failure in own.failures:
        span = span_of(given, service, composed, failure.path)
        yield error("I855", f"a template cannot be evaluated: {failure.reason}", span)
    yield from _written_out(given, service, composed, own)


def _written_out(
    given: Input, service: Document, composed: Composed, own: Own
) -> Iterator[Diagnostic]:
    """Templates, told once for each file they stand in."""
    found: dict[str, list[Note]] = {}
    failed = {failure.path for failure in own.failures}
    for path, value in own.evaluated:
        if path not in failed:
            span = span_of(given, service, composed, path)
            gives = f"`{cut(value)}`" if value else "nothing, and is left out"
            found.setdefault(span.path, []).append(Note(f"gives {gives}", span))
    for notes in found.values():
        message = f"what templates give for `{service.name}` is written out"
        yield warning("I860", message, notes[0].span, "", notes)


def _annotated(service: Document) -> Iterator[Diagnostic]:
    for key in service.metadata.get("annotations") or {}:
        if not str(key).startswith(GROUP):
            continue
        span = service.node.nearest("metadata", "annotations", str(key)).key_span
        if key == STOP:
            message = "`stop` takes the service down, and stays an annotation of the Model"
            yield warning("I861", message, span, "take it out, or set `replicas: 0`")
        else:
            message = f"only KServe does what `{key}` says: it stays an annotation of the Model"
            yield warning("I861", message, span, "in target llm-d it has no effect")


def _adapters(
    given: Input, service: Document, composed: Composed, own: Own
) -> Iterator[Diagnostic]:
    lora = (own.spec.get("model") or {}).get("lora") or {}
    for number, each in enumerate(lora.get("adapters") or []):
        further = [f"`{key}`" for key in each if key not in ("name", "uri")]
        if further:
            path = ("model", "lora", "adapters", number)
            message = f"KServe ignores {', '.join(further)} of the adapter `{each.get('name')}`"
            span = span_of(given, service, composed, path)
            yield warning("I861", message, span, "the adapters stay as the CRD spells them")


def _has(spec: Mapping[str, Any], path: Sequence[str]) -> bool:
    found: Any = spec
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found is not None


def refused(service: Document, found: Diagnostic) -> Diagnostic:
    """What a Model cannot be, at the service it would be of."""
    span = service.node.nearest("metadata", "name").span
    return error("I863", f"`{service.name}` cannot be a Model: {found.message}", span, found.hint)


def not_made(service: Document) -> Diagnostic:
    message = f"the Model of `{service.name}` compiles to no LLMInferenceService"
    return error("I863", message, service.node.nearest("metadata", "name").span)


def differs(
    given: Input, service: Document, composed: Composed, difference: Difference
) -> Diagnostic:
    """A place of the service that comes out as something else."""
    span = span_of(given, service, composed, difference.path)
    return warning("I864", _difference(difference), span)


def is_another(path: str, difference: Difference) -> Diagnostic:
    """The same, of a Model over Presets."""
    return warning("I864", _difference(difference), Span(path, 1, 1))


def lost(service: Document, what: str) -> Diagnostic:
    """What a Model without KServe's presets does not do."""
    message = f"the Model of `{service.name}` is without {what}"
    return warning("I867", message, service.node.nearest("metadata", "name").span)


def reworded(given: Input, service: Document, composed: Composed, path: Path) -> Diagnostic:
    """Flags that stay the same, in other words."""
    span = span_of(given, service, composed, path)
    message = "the flags here are written in other words, with which KServe makes new pods"
    return warning("I868", message, span, "to keep the words, say `argv` in the place of `args`")


def relabelled(
    service: Document, kept: tuple[Mapping[str, Any], ...], metadata: Mapping[str, Any]
) -> Iterator[Diagnostic]:
    """Labels and annotations that come out as others; `kept`: those of the Model."""
    for field, known in zip(("labels", "annotations"), kept, strict=True):
        made = metadata.get(field) or {}
        for key, was in (service.metadata.get(field) or {}).items():
            if made.get(key) == str(was) or (key not in known and key not in made):
                continue
            difference = Difference(("metadata", field, key), was, made.get(key))
            span = service.node.nearest("metadata", field, str(key)).key_span
            yield warning("I864", _difference(difference), span)


def origin(config: Document) -> str:
    """What the file of a Preset says of where it comes from."""
    return f"Imported from the LLMInferenceServiceConfig {config.name}."


def comes_out(config: Document, differences: Sequence[Difference]) -> list[Diagnostic]:
    """What a thin environment's configuration leaves to the services that refer to it."""
    parts = dict.fromkeys(spell(each.path[:2]) for each in differences)
    listed = ", ".join(f"`{part}`" for part in parts)
    message = f"in mode thin, services say {listed} themselves, not the configuration"
    span = config.node.nearest("metadata", "name").span
    return [warning("I865", message, span)]


def _difference(difference: Difference) -> str:
    was, now = (_shown(each) for each in difference[1:])
    return f"{spell(difference.path)}: the service says {was}, its Model compiles to {now}"


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"`{cut(text)}`"


def renamed(config: Document, name: str) -> Diagnostic:
    span = config.node.nearest("metadata", "name").span
    message = f"the Preset of `{config.name}` is called `{name}`: a name has no dot here"
    hint = "in target kserve, mode thin, the configuration has this name"
    return warning("I865", message, span, hint)


def says_nothing(config: Document) -> Diagnostic:
    span = config.node.nearest("metadata", "name").span
    message = f"no Preset is made of `{config.name}`: it says nothing without its templates"
    return warning("I865", message, span)


def elsewhere(service: Document, first: Document) -> Diagnostic:
    span = service.node.nearest("metadata", "namespace").span
    here, there = (f"`{each.namespace or 'default'}`" for each in (service, first))
    message = f"`{service.name}` is of the namespace {here}, and `{first.name}` of {there}"
    return warning("I866", message, span, "an environment is one namespace: write one for each")
