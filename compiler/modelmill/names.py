"""Names and labels that identify generated objects.

Selectors and names are frozen identity: they follow from the model's name and the role's key alone,
so that no preset, label or environment can change them on a running object.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from modelmill.hashes import sha256

NAME = "app.kubernetes.io/name"
INSTANCE = "app.kubernetes.io/instance"
COMPONENT = "app.kubernetes.io/component"
MANAGED_BY = "app.kubernetes.io/managed-by"
ROLE = "llm-d.ai/role"
MODEL = "llm-d.ai/model"
ENGINE_TYPE = "llm-d.ai/engine-type"
SERVING = "llm-d.ai/inference-serving"
"""Marks pods of an engine, which an InferencePool selects."""
ENTRY = "modelmill.dev/entry"
"""Marks pods that take clients' requests themselves; prefill pods are reached through decode."""
CONFIG_HASH = "modelmill.dev/config-hash"

FROZEN = frozenset({NAME, INSTANCE, COMPONENT, MANAGED_BY, SERVING, ENTRY, ROLE})
"""Labels that only the compiler sets."""

NONE: Mapping[str, str] = MappingProxyType({})

NAME_LIMIT = 63
"""A Service's name and a label's value: RFC 1123 label."""


def child_name(model: str, suffix: str = "") -> str:
    """`model-suffix`; past the limit the model's part ends in a hash of it instead."""
    name = f"{model}-{suffix}" if suffix else model
    if len(name) <= NAME_LIMIT:
        return name
    digest = sha256(model)[:8]
    room = NAME_LIMIT - len(suffix) - len(digest) - 2
    if room < 1:
        # No room for the suffix: the hash is then of the whole name, to tell roles apart.
        return f"{model[:20].rstrip('-')}-{sha256(name)[:16]}"
    return f"{model[:room].rstrip('-')}-{digest}-{suffix}"


def kserve_name(parent: str, suffix: str) -> str:
    """Name of what KServe makes for a service: too long a parent ends in its MD5 sum, too long a
    suffix likewise (knative.dev/pkg/kmeta, ChildName)."""
    if len(parent) + len(suffix) <= NAME_LIMIT:
        return parent + suffix
    head = NAME_LIMIT - 32
    room = head - len(suffix)
    if room > 0:
        return parent[:room] + _md5(parent) + suffix
    name = parent[:head] + _md5(parent + suffix)
    return re.sub(r"[^a-zA-Z0-9]+$", "", name + suffix[: max(NAME_LIMIT - len(name), 0)])


def _md5(text: str) -> str:
    import hashlib

    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def selector(model: str, component: str) -> dict[str, str]:
    """Labels that select the pods of one component of one model; immutable on a live object."""
    return {INSTANCE: model, COMPONENT: component}


def labels(
    model: str, component: str, extra: Mapping[str, str], role: Mapping[str, str] = NONE
) -> dict[str, str]:
    """Labels of an object: the recommended Kubernetes ones, those of its role, and what people add,
    which never decides what a Service or a pool selects."""
    own = {**selector(model, component), NAME: "llm-inference", MANAGED_BY: "modelmill"}
    added = {k: v for k, v in extra.items() if k != SERVING and k != ENTRY}
    added.update(role)
    return {**{k: added[k] for k in sorted(added) if k not in own}, **own}


@cache
def label_value(text: str) -> str:
    """Any text as a label value: what is not allowed becomes `-`, what is too long a hash."""
    clean = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in text)
    clean = clean.strip("-_.")
    if len(clean) <= NAME_LIMIT:
        return clean
    digest = sha256(text)[:8]
    return f"{clean[: NAME_LIMIT - 9].rstrip('-_.')}-{digest}"
