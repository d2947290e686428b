"""The repository's documents by kind and name.

In: parsed files. Out: a Catalog, or a CompileError that lists every file with a wrong kind, a wrong
field or a name taken twice. Presets are only found here, never laid over each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelmill.diagnostics import (
    CompileError,
    Diagnostic,
    Note,
    Span,
    closest,
    did_you_mean,
    error,
)
from modelmill.shapes import Problems, written
from modelmill.spec.documents import (
    API_VERSION,
    DOCUMENTS,
    ProjectDocument,
)
from modelmill.tree import Node
from modelmill.tuples import NamedTuple

KINDS = tuple(DOCUMENTS)


class Document(NamedTuple):
    """One file: its kind, name, tree and decoded form (whose `spec` stays a tree).

    parts   further files that what it says is kept in
    """

    kind: str
    name: str
    path: str
    node: Node
    record: Any
    parts: tuple[str, ...] = ()

    @property
    def span(self) -> Span:
        """Where the document's name stands."""
        return self.node.nearest("metadata", "name").span


class Catalog(NamedTuple):
    """All documents, by name, in order of name.

    unread   kind and name of documents whose files have faults: they exist, and cannot be used
    lock     modelmill.lock, where there is one (`pins`)
    """

    project: ProjectDocument
    models: Mapping[str, Document]
    presets: Mapping[str, Document]
    overlays: Mapping[str, Document]
    unread: frozenset[tuple[str, str]] = frozenset()
    lock: Document | None = None


def read_document(path: str, node: Node) -> Document:
    """Check one file on its own and decode it."""
    kind = _kind(path, node)
    problems = Problems(partial=False)
    record = DOCUMENTS[kind].shape().decode(node, problems)
    if problems.found:
        raise CompileError(problems.found)
    name = record.metadata.name if record.metadata else ""
    return Document(kind, name, path, node, record)


def build_catalog(
    project: ProjectDocument,
    documents: Iterable[Document],
    unread: frozenset[tuple[str, str]] = frozenset(),
) -> Catalog:
    """Index documents; a name may be taken once in its kind."""
    found: dict[str, dict[str, Document]] = {"Model": {}, "Preset": {}, "Overlay": {}}
    problems: list[Diagnostic] = []
    for document in sorted(documents, key=lambda d: d.path):
        if document.kind not in found:
            problems.append(
                error(
                    "N206",
                    "a repository has one Project, modelmill.yaml at its root; this is another",
                    document.node.nearest("kind").span,
                    "move its settings there, and delete this file",
                )
            )
            continue
        names = found[document.kind]
        first = names.setdefault(document.name, document)
        if first is not document:
            problems.append(
                error(
                    "N202",
                    f"there are two {document.kind}s named `{document.name}`",
                    document.span,
                    "rename one of them",
                    notes=[Note("the first is here", first.span)],
                )
            )
    if problems:
        raise CompileError(problems)
    ordered = {kind: dict(sorted(names.items())) for kind, names in found.items()}
    return Catalog(project, ordered["Model"], ordered["Preset"], ordered["Overlay"], unread)


def _kind(path: str, node: Node) -> str:
    """The document's kind; refuses another API version first, as its fields may differ."""
    version, kind = node.get("apiVersion"), node.get("kind")
    if kind is not None and _is_foreign(version, kind):
        raise CompileError([_foreign(kind)])
    problems = []
    if version is None or version.value != API_VERSION:
        hint = f"write `apiVersion: {API_VERSION}`"
        problems.append(_not_ours(path, "apiVersion", "an API version", version, hint))
    if kind is None or kind.value not in KINDS:
        hint = did_you_mean(str(kind.value), DOCUMENTS) if kind is not None else ""
        hint = hint or "one of " + ", ".join(DOCUMENTS)
        problems.append(_not_ours(path, "kind", "a kind", kind, hint))
    if problems or kind is None:
        raise CompileError(problems)
    return str(kind.value)


def _not_ours(path: str, key: str, what: str, found: Node | None, hint: str) -> Diagnostic:
    if found is None:
        return error("N201", f"the document has no `{key}`", Span(path, 1, 1), hint)
    return error("N201", f"{written(found)} is not {what} of modelmill", found.span, hint)


def _is_foreign(version: Node | None, kind: Node) -> bool:
    """Whether this is a Kubernetes object rather than a slip in one of ours."""
    ours = version is not None and str(version.value).startswith("modelmill.dev/")
    return not ours and isinstance(kind.value, str) and not closest(kind.value, DOCUMENTS)


def _foreign(kind: Node) -> Diagnostic:
    hint = "a Kubernetes object goes under a model's `extraObjects`, in `spec`"
    return _not_ours(kind.span.path, "kind", "a kind", kind, hint)
