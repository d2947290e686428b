"""Anyone's manifests: rendered charts, kustomize's output, files in a folder.

In: the name and the bytes of a file. Out: its objects with their places, and findings. Anchors,
aliases, merge keys and several documents are read as kubectl reads them, within limits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from modelmill.diagnostics import CompileError, Diagnostic, Span, error
from modelmill.importers.documents import Words, in_file, read_documents
from modelmill.resource import Resource
from modelmill.tree import Node
from modelmill.tuples import NamedTuple
from modelmill.validation import scalars
from modelmill.yaml_faults import text_of

MAX_BYTES = 16 << 20
WORDS = Words("V100", "V107", "kubectl")
BOM = b"\xef\xbb\xbf"


class Manifests(NamedTuple):
    """Objects of a file with their trees, and documents that are none."""

    objects: tuple[tuple[Resource, Node], ...]
    others: tuple[Node, ...] = ()
    findings: tuple[Diagnostic, ...] = ()


def read(name: str, data: bytes) -> Manifests:
    """The objects of a file; those of a List one by one."""
    if len(data) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES >> 20} MiB"
        return Manifests((), (), (error("V100", message, Span(name, 1, 1)),))
    try:
        text = text_of(name, data.removeprefix(BOM))
        documents = read_documents(text, in_file(name), WORDS)
    except CompileError as fault:
        found = tuple(each._replace(code="V100") for each in fault.diagnostics)
        return Manifests((), (), found)
    repeated = (
        *(each._replace(severity="error") for each in documents.findings),
        *scalars.findings(name, text),
    )
    nodes = [each for root in documents.roots for each in _unlisted(root)]
    resources = [(resource_of(node), node) for node in nodes]
    return Manifests(
        tuple((resource, node) for resource, node in resources if resource),
        tuple(node for resource, node in resources if not resource and node.value is not None),
        repeated,
    )


def not_an_object(node: Node) -> Diagnostic:
    """What a document lacks that is named as a manifest."""
    value = node.value if isinstance(node.value, dict) else {}
    missing = [f"`{key}`" for key in ("apiVersion", "kind") if key not in value]
    if not missing:
        missing = ["`metadata.name`"]
    message = f"this is no Kubernetes object: it has no {' and no '.join(missing)}"
    return error("V109", message, node.span)


def resource_of(node: Node) -> Resource | None:
    """The object a document is, if it is one."""
    body = data_of(node)
    if not isinstance(body, dict):
        return None
    metadata = body.get("metadata")
    named = metadata if isinstance(metadata, dict) else {}
    name = named.get("name", named.get("generateName"))
    told = (body.get("apiVersion"), body.get("kind"), name)
    if not all(isinstance(each, str) and each for each in told):
        return None
    return Resource(str(told[0]), str(told[1]), str(told[2]), body)


def data_of(node: Node) -> Any:
    """The node as plain data, nulls included: to a server they are values."""
    if isinstance(node.value, dict):
        return {key: data_of(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [data_of(child) for child in node.value]
    return node.value


def _unlisted(root: Node) -> Iterator[Node]:
    """The objects of a List, or of a mapping of them, as the llm-d ModelService operator's dry run
    prints."""
    if not isinstance(root.value, dict):
        yield root
        return
    kind, items = root.value.get("kind"), root.value.get("items")
    if kind is not None and items is not None and str(kind.value).endswith("List"):
        yield from items.value if isinstance(items.value, list) else []
    elif kind is None and "apiVersion" not in root.value and _are_objects(root.value.values()):
        yield from (each for node in root.value.values() for each in _each(node))
    else:
        yield root


def _each(node: Node) -> list[Node]:
    return node.value if isinstance(node.value, list) else [node]


def _are_objects(nodes: Iterable[Node]) -> bool:
    found = (each for node in nodes for each in _each(node))
    return any(each.get("kind") and each.get("apiVersion") for each in found)
