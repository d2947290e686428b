"""The repository's documents by kind and name.

In: parsed files. Out: a Catalog, or a CompileError that lists every file with a wrong kind, a wrong
field or a name taken twice. Presets are only found here, never laid over each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from modelmill.diagnostics import CompileError, Diagnostic, Note, Span, did_you_mean, error
from modelmill.record import Problems
from modelmill.spec.documents import (
    API_VERSION,
    DOCUMENTS,
    ProjectDocument,
)
from modelmill.tree import Node

OLD_API_VERSION_HINT = f"write `apiVersion: {API_VERSION}`"


class Document(NamedTuple):
    """One file: its kind, name, tree and decoded form (whose `spec` stays a tree)."""

    kind: str
    name: str
    path: str
    node: Node
    record: Any

    @property
    def span(self) -> Span:
        """Where the document's name stands."""
        return self.node.nearest("metadata", "name").span


class Catalog(NamedTuple):
    """All documents, by name, in order of name."""

    project: ProjectDocument
    models: Mapping[str, Document]
    presets: Mapping[str, Document]
    overlays: Mapping[str, Document]


def read_document(path: str, node: Node) -> Document:
    """Check one file on its own and decode it."""
    kind = _kind(path, node)
    problems = Problems(partial=False)
    record = DOCUMENTS[kind].shape().decode(node, problems)
    if problems.found:
        raise CompileError(problems.found)
    name = record.metadata.name if record.metadata else ""
    return Document(kind, name, path, node, record)


def build_catalog(project: ProjectDocument, documents: Iterable[Document]) -> Catalog:
    """Index documents; a name may be taken once in its kind."""
    found: dict[str, dict[str, Document]] = {"Model": {}, "Preset": {}, "Overlay": {}}
    problems: list[Diagnostic] = []
    for document in sorted(documents, key=lambda d: d.path):
        if document.kind not in found:
            problems.append(
                error(
                    "N206",
                    "the Project is modelmill.yaml at the repository's root; this is another",
                    document.node.nearest("kind").span,
                )
            )
            continue
        names = found[document.kind]
        first = names.setdefault(document.name, document)
        if first is not document:
            problems.append(
                error(
                    "N202",
                    f"the {document.kind} `{document.name}` exists twice",
                    document.span,
                    notes=[Note("first here", first.span)],
                )
            )
    if problems:
        raise CompileError(problems)
    ordered = {kind: dict(sorted(names.items())) for kind, names in found.items()}
    return Catalog(project, ordered["Model"], ordered["Preset"], ordered["Overlay"])


def _kind(path: str, node: Node) -> str:
    """The document's kind; refuses another API version first, as its fields may differ."""
    problems = []
    version, kind = node.get("apiVersion"), node.get("kind")
    if version is None:
        problems.append(
            error(
                "N201", "the document has no `apiVersion`", Span(path, 1, 1), OLD_API_VERSION_HINT
            )
        )
    elif version.value != API_VERSION:
        problems.append(
            error(
                "N201",
                f"`{version.value}` is not an API version of modelmill",
                version.span,
                OLD_API_VERSION_HINT,
            )
        )
    if kind is None:
        problems.append(
            error(
                "N201",
                "the document has no `kind`",
                Span(path, 1, 1),
                "one of " + ", ".join(DOCUMENTS),
            )
        )
    elif kind.value not in DOCUMENTS:
        hint = did_you_mean(str(kind.value), DOCUMENTS) or "one of " + ", ".join(DOCUMENTS)
        problems.append(
            error("N201", f"`{kind.value}` is not a kind of modelmill", kind.span, hint)
        )
    if problems or kind is None:
        raise CompileError(problems)
    return str(kind.value)
