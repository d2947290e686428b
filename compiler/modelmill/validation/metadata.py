"""What an API server refuses of an object's name, namespace, labels and annotations.

Source: k8s.io/apimachinery pkg/api/validation (objectmeta.go) and pkg/util/validation; per kind
k8s.io/kubernetes pkg/apis/*/validation.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelmill.diagnostics import cut
from modelmill.regexes import regex
from modelmill.resource import Resource
from modelmill.validation.faults import Fault, Path, mapping

LABELS = frozenset({"Namespace"})
"""Kinds whose names are one label of a DNS name."""
SERVICE = frozenset({"Service"})
RBAC = frozenset({"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"})
LONGEST = 63
LARGEST = 256 * 1024
_label = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_is_label = regex(_label)
_is_service = regex(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_is_subdomain = regex(rf"{_label}(\.{_label})*")
_is_value = regex(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_is_name = regex(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")


def faults(resource: Resource, is_namespaced: bool | None) -> Iterator[Fault]:
    """`is_namespaced` is None where nobody knows."""
    metadata = mapping(resource.body.get("metadata"))
    said = _fault_of_name(resource.kind, resource.name)
    if said:
        message = f"no {resource.kind} can have the name `{cut(resource.name)}`: {said}"
        yield Fault("V104", ("metadata", "name"), message)
    namespace = metadata.get("namespace")
    if isinstance(namespace, str) and namespace:
        path: Path = ("metadata", "namespace")
        if is_namespaced is False:
            message = f"a {resource.kind} is in no namespace"
            yield Fault("V104", path, message, "take `namespace` out", at_key=True)
        elif not (_is_label.fullmatch(namespace) and len(namespace) <= LONGEST):
            yield Fault("V104", path, f"`{cut(namespace)}` is no name of a namespace")
    yield from of_labels(metadata.get("labels"), ("metadata", "labels"))
    yield from _annotations(metadata.get("annotations"), ("metadata", "annotations"))


def of_labels(labels: object, path: Path) -> Iterator[Fault]:
    """Keys and values that no label may have."""
    for key, value in mapping(labels).items():
        if not _is_key(key):
            yield Fault("V104", (*path, key), f"`{cut(key)}` is no key of a label", at_key=True)
        if isinstance(value, str) and not (_is_value.fullmatch(value) and len(value) <= LONGEST):
            message = f"`{cut(value)}` is no value of a label"
            hint = f"at most {LONGEST} letters, digits, `-`, `_` and `.`, none of these at an end"
            yield Fault("V104", (*path, key), message, hint)


def _annotations(annotations: object, path: Path) -> Iterator[Fault]:
    size = 0
    for key, value in mapping(annotations).items():
        size += len(key.encode()) + len(str(value).encode())
        if not _is_key(key.lower()):
            message = f"`{cut(key)}` is no key of an annotation"
            yield Fault("V104", (*path, key), message, at_key=True)
    if size > LARGEST:
        message = f"annotations have {size} bytes together; a server takes {LARGEST}"
        yield Fault("V104", path, message, at_key=True)


def _is_key(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    named = bool(_is_name.fullmatch(name)) and len(name) <= LONGEST
    return named and (not slash or bool(_is_subdomain.fullmatch(prefix)))


def _fault_of_name(kind: str, name: str) -> str:
    if kind in RBAC:
        is_path = name not in (".", "..") and "/" not in name and "%" not in name
        return "" if is_path else "`/`, `%`, `.` and `..` are not taken"
    if kind in LABELS | SERVICE:
        takes = _is_service.fullmatch if kind in SERVICE else _is_label.fullmatch
        fits = takes(name) and len(name) <= LONGEST
        start = "begins with a letter, and has" if kind in SERVICE else "has"
        return "" if fits else f"it {start} at most {LONGEST} lower case letters, digits and `-`"
    fits = _is_subdomain.fullmatch(name) and len(name) <= 253
    return "" if fits else "it has at most 253 lower case letters, digits, `-` and `.`"
