"""The objects of a BaseConfig, after templating and before the merge.

In: the ConfigMap and what templates see. Out: decoded objects by key, with references carried where
a template only printed a variable, the trees they were read from, and findings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelmill.diagnostics import CompileError, Diagnostic, did_you_mean, error, warning
from modelmill.gotypes.scalars import written
from modelmill.importers.documents import read_documents
from modelmill.importers.modelservice_operator.decoding import WORDS, decode
from modelmill.importers.modelservice_operator.facts import BASE_KEYS
from modelmill.importers.modelservice_operator.places import inside, of_rendered
from modelmill.importers.modelservice_operator.templating import (
    Printed,
    Scope,
    carrying,
    printed,
)
from modelmill.tree import Node
from modelmill.tuples import NamedTuple

KINDS = {
    "configMaps": "ConfigMap[]",
    "prefillDeployment": "Deployment",
    "decodeDeployment": "Deployment",
    "prefillService": "Service",
    "decodeService": "Service",
    "httpRoute": "HTTPRoute",
    "inferencePool": "InferencePool",
    "inferenceModel": "InferenceModel",
    "eppDeployment": "Deployment",
    "eppService": "Service",
}
_NEVER_READ = ("eppServiceAccount", "pdServiceAccount", "eppRoleBinding")


class BaseObjects(NamedTuple):
    """`trees` are the objects as they were read, for places."""

    objects: dict[str, Any]
    trees: Mapping[str, Node]
    routing_port: int | None
    findings: tuple[Diagnostic, ...]


class _Read(NamedTuple):
    root: Node
    marked: Node | None
    text: Printed


def base_objects(root: Node | None, texts: Mapping[str, str], scope: Scope) -> BaseObjects:
    """Everything a BaseConfig declares; all that is wrong with it is among the findings."""
    if root is None:
        return BaseObjects({}, {}, _only_port(scope), ())
    found = list(decode(root, "ConfigMap", zeros=True).findings)
    read: dict[str, _Read] = {}
    data = root.get("data")
    entries = data.value if data is not None and isinstance(data.value, dict) else {}
    for key, node in entries.items():
        if node.value is None or isinstance(node.value, dict | list):
            continue
        found += _unknown_key(key, node)
        one, said = _read_value(key, node, texts, scope)
        found += said
        if one is not None and key in KINDS:
            read[key] = one
    trees = {key: read[key].root for key in BASE_KEYS if key in read}
    port = _routing_port(trees)
    port = port if port is not None else _only_port(scope)
    known = with_port(scope, port)
    objects: dict[str, Any] = {}
    for key in trees:
        tree, marked, text = read[key]
        if marked is not None:
            tree = carrying(tree, marked, text, known)
        decoded = decode(tree, KINDS[key], zeros=not scope.as_is)
        objects[key] = decoded.value
        found += decoded.findings
    return BaseObjects(objects, trees, port, tuple(found))


def with_port(scope: Scope, port: int | None) -> dict[str, str]:
    """What each variable, and each port in quotes, refers to."""
    ports = {f'"{name}"': "${routing.port}" for name, each in scope.ports.items() if each == port}
    return {**scope.references, **ports}


def _unknown_key(key: str, node: Node) -> Iterator[Diagnostic]:
    if key in KINDS:
        return
    hint = did_you_mean(key, KINDS)
    if key in _NEVER_READ:
        hint = "the operator makes this object itself"
    message = f"`{key}` is no key of a BaseConfig: the operator ignores it"
    yield warning("I835", message, node.key_span, hint)


def _read_value(
    key: str, node: Node, texts: Mapping[str, str], scope: Scope
) -> tuple[_Read | None, list[Diagnostic]]:
    """One value, rendered and read; None where it is blank, null or wrong."""
    source = node.value if isinstance(node.value, str) else written(node.value)
    at = inside(node, texts)
    text = printed(source, scope, at)
    found = list(text.findings)
    if not text.text.strip() or key not in KINDS:
        return None, found
    place = of_rendered(source, text.text, at, node.place)
    try:
        documents = read_documents(text.text, place, WORDS)
        marked = read_documents(text.marked, place, WORDS).roots if text.marked else ()
    except CompileError as fault:
        return None, [*found, *(_in_key(each, key) for each in fault.diagnostics)]
    found += documents.findings
    for extra in documents.roots[1:]:
        message = f"`{key}` holds more than one document: the operator reads the first"
        found.append(warning("I835", message, extra.span, "take the others out"))
    if not documents.roots or documents.roots[0].value is None:
        return None, found
    return _Read(documents.roots[0], marked[0] if marked else None, text), found


def _in_key(fault: Diagnostic, key: str) -> Diagnostic:
    return error("I831", f"`{key}`: {fault.message}", fault.span, fault.hint, fault.notes)


def _routing_port(trees: Mapping[str, Node]) -> int | None:
    """The port clients reach: the pool's, the route's, the Service's, the first of a pod."""
    for key, path in (
        ("inferencePool", ("spec", "targetPortNumber")),
        ("decodeService", ("spec", "ports", 0, "targetPort")),
        ("decodeService", ("spec", "ports", 0, "port")),
        ("decodeDeployment", (*_POD, "initContainers", 0, "ports", 0, "containerPort")),
        ("decodeDeployment", (*_POD, "containers", 0, "ports", 0, "containerPort")),
    ):
        found = trees[key].get(*path) if key in trees else None
        if found is not None and type(found.value) is int:
            return found.value
    return None


_POD = ("spec", "template", "spec")


def _only_port(scope: Scope) -> int | None:
    return next(iter(scope.ports.values())) if len(scope.ports) == 1 else None
