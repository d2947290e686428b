"""How a finding in a shared file reaches a model, told as notes.

In: findings of one variant. Out: the same, those in presets with a note at each `extends` entry
that brought the preset in. Models find the same fault of a preset: `united` makes one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from modelmill.catalog import Catalog, Document
from modelmill.diagnostics import Diagnostic, Note
from modelmill.tree import Node

MOST_PLACES = 6


def brought_in(
    catalog: Catalog, model: Document, overlay: Document | None, found: Iterable[Diagnostic]
) -> list[Diagnostic]:
    """The findings of a model in an environment, with how they come to be the model's."""
    noted = []
    for diagnostic in found:
        path = diagnostic.span.path if diagnostic.span else model.path
        notes = [] if path == model.path else _ways(catalog, model, overlay, path)
        further = [n for n in notes if n not in diagnostic.notes and n.span != diagnostic.span]
        noted.append(diagnostic._replace(notes=(*diagnostic.notes, *further)))
    return noted


def united(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Findings that differ only in the places of notes, as one that has these places."""
    groups: dict[Diagnostic, dict[Note, None]] = {}
    for diagnostic in found:
        bare = diagnostic._replace(notes=tuple(n for n in diagnostic.notes if n.span is None))
        places = groups.setdefault(bare, {})
        places.update(dict.fromkeys(n for n in diagnostic.notes if n.span is not None))
    return [bare._replace(notes=(*_few(places), *bare.notes)) for bare, places in groups.items()]


def _few(places: Iterable[Note]) -> list[Note]:
    notes = list(places)
    more = len(notes) - MOST_PLACES
    return notes if more < 2 else [*notes[:MOST_PLACES], Note(f"and {more} further places")]


def _ways(catalog: Catalog, model: Document, overlay: Document | None, path: str) -> list[Note]:
    concerned = Note(f"it concerns the model `{model.name}`", model.span)
    if overlay is not None and path in (overlay.path, *overlay.parts):
        return [concerned]
    preset = next((p.name for p in catalog.presets.values() if p.path == path), None)
    if preset is None:
        return []
    own = _links(catalog, model, preset)
    if own or overlay is None:
        return own
    return [*_links(catalog, overlay, preset), concerned]


def _links(catalog: Catalog, start: Document, target: str) -> list[Note]:
    """Notes at the entries that lead from a document to a preset, the nearest to it first."""
    users: dict[str, list[tuple[Document, Node]]] = {}
    reached = [start]
    for document in reached:  # grows while it is walked
        for item in extends_of(document):
            users.setdefault(item.value, []).append((document, item))
            preset = catalog.presets.get(item.value)
            if preset is not None and preset not in reached:
                reached.append(preset)
    notes = []
    names = [target]
    for name in names:
        for document, item in users.get(name, ()):
            kind = "environment" if document.kind == "Overlay" else document.kind.lower()
            notes.append(Note(f"the {kind} `{document.name}` extends `{name}` here", item.span))
            if document.kind == "Preset" and document.name not in names:
                names.append(document.name)
    return notes


def extends_of(document: Document) -> Iterator[Node]:
    """The entries of every `extends` in a document: its own, and those of roles in its layers."""
    node = document.node
    environments = node.get("environments")
    layers = [node.get("spec"), *(environments.value.values() if environments else ())]
    lists = [node.get("extends")]
    for layer in layers:
        roles = layer.get("roles") if layer is not None else None
        if roles is not None and isinstance(roles.value, dict):
            lists += [role.get("extends") for role in roles.value.values()]
    for found in lists:
        if found is not None and isinstance(found.value, list):
            yield from found.value
