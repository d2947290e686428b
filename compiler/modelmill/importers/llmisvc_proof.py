"""A Model of an LLMInferenceService, compiled in an environment of KServe's target.

In: files, as text by path. Out: what the compiler finds, and the specification of the resource it
makes, as Go marshals it; and of a finding, the field it is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from modelmill.catalog import Catalog, Document, read_document
from modelmill.catalogues import version_set, version_sets
from modelmill.diagnostics import CompileError, Diagnostic, Span
from modelmill.importers.llmisvc.comparing import marshalled
from modelmill.importers.llmisvc.reading import SERVICE
from modelmill.importers.llmisvc.templating import evaluate
from modelmill.kserve.merging import merge
from modelmill.pipeline import objects_of, variant_of
from modelmill.repository import Repository
from modelmill.resolve import Resolver
from modelmill.spec.documents import Paths, ProjectDocument, Versions
from modelmill.syntax import parse
from modelmill.tree import Node
from modelmill.tuples import NamedTuple

Spec = dict[str, Any]


class Made(NamedTuple):
    """What was found; metadata and spec of the resource over its configurations, None where nothing
    is made; and the specs of those, by name."""

    found: tuple[Diagnostic, ...]
    metadata: Spec | None = None
    spec: Spec | None = None
    configs: Mapping[str, Spec] = MappingProxyType({})


def repository_of(files: Mapping[str, str]) -> Repository:
    """A repository of these files alone; raises CompileError."""
    documents = [read_document(path, parse(path, text.encode())) for path, text in files.items()]
    newest = version_sets()[-1]
    project = ProjectDocument(
        api_version="modelmill.dev/v1alpha1",
        kind="Project",
        metadata=None,
        versions=Versions(set=newest),
        paths=Paths(),
    )
    kinds: dict[str, dict[str, Document]] = {"Model": {}, "Preset": {}, "Overlay": {}}
    for each in documents:
        kinds[each.kind][each.name] = each
    catalog = Catalog(project, kinds["Model"], kinds["Preset"], kinds["Overlay"])
    return Repository(catalog, version_set(newest), dict(files), ())


def made_of(files: Mapping[str, str]) -> Made:
    """The one Model of the files, compiled in their one environment."""
    try:
        repository = repository_of(files)
    except CompileError as fault:
        return Made(tuple(fault.diagnostics))
    (model,) = repository.catalog.models.values()
    (overlay,) = repository.catalog.overlays.values()
    found: dict[str | None, list[Diagnostic]] = {}
    variant = variant_of(repository, Resolver(repository.catalog), model, overlay, found)
    here = tuple(found[overlay.name])
    if variant is None:
        return Made(here)
    try:
        objects = objects_of(repository, variant)
    except CompileError as fault:
        return Made((*here, *fault.diagnostics))
    for body in (each.body for each in objects):
        if body.get("kind") == SERVICE:
            metadata = dict(body.get("metadata") or {})
            configs = {each.name: marshalled(each.spec) for each in variant.configs}
            return Made(here, metadata, _composed(body.get("spec") or {}, configs), configs)
    return Made(here)


def _composed(spec: Mapping[str, Any], configs: Mapping[str, Spec]) -> Spec:
    """The specification over the configurations it refers to; braces that are meant are templates
    that print them."""
    own = marshalled(spec)
    merged: Spec = {}
    for ref in own.pop("baseRefs", []):
        merged = merge(merged, configs.get(ref["name"], {}))
    evaluated, _ = evaluate(merge(merged, own), {}, {})
    return dict(evaluated)


def path_at(text: str, span: Span) -> tuple[str | int, ...]:
    """The field of a document that a place is about: the deepest that begins there, or before."""
    best: tuple[str | int, ...] = ()
    stack: list[tuple[tuple[str | int, ...], Node]] = [((), parse("", text.encode()))]
    while stack:
        path, node = stack.pop()
        places = [each for each in (node.place, node.key) if each is not None]
        if any(each[1:3] == (span.line, span.column) for each in places) and len(path) > len(best):
            best = path
        entries = node.value.items() if isinstance(node.value, dict) else ()
        items = enumerate(node.value) if isinstance(node.value, list) else entries
        stack += [((*path, key), child) for key, child in items]
    return best
