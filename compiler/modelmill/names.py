"""Names and labels that identify generated objects.

Selectors and names are frozen identity: they follow from the model's name and the role's key alone,
so that no preset, label or environment can change them on a running object.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

NAME = "app.kubernetes.io/name"
INSTANCE = "app.kubernetes.io/instance"
COMPONENT = "app.kubernetes.io/component"
MANAGED_BY = "app.kubernetes.io/managed-by"
PART_OF = "app.kubernetes.io/part-of"
ROLE = "llm-d.ai/role"
MODEL = "llm-d.ai/model"
ENGINE_TYPE = "llm-d.ai/engine-type"
CONFIG_HASH = "modelmill.dev/config-hash"

NAME_LIMIT = 63
"""A Service's name and a label's value: RFC 1123 label."""


def child_name(model: str, suffix: str = "") -> str:
    """`model-suffix`; past the limit the model's part ends in a hash of it instead."""
    name = f"{model}-{suffix}" if suffix else model
    if len(name) <= NAME_LIMIT:
        return name
    digest = hashlib.sha256(model.encode()).hexdigest()[:8]
    room = NAME_LIMIT - len(suffix) - len(digest) - 2
    return f"{model[:room].rstrip('-')}-{digest}-{suffix}"


def selector(model: str, component: str) -> dict[str, str]:
    """Labels that select the pods of one component of one model; immutable on a live object."""
    return {INSTANCE: model, COMPONENT: component}


def labels(model: str, component: str, extra: Mapping[str, str]) -> dict[str, str]:
    """Labels of an object: the recommended Kubernetes ones, then what the model adds."""
    own = {**selector(model, component), NAME: "modelmill", MANAGED_BY: "modelmill"}
    return {**{k: v for k, v in sorted(extra.items()) if k not in own}, **own}


def label_value(text: str) -> str:
    """Any text as a label value: what is not allowed becomes `-`; past the limit it ends in a hash."""
    clean = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in text)
    clean = clean.strip("-_.")
    if len(clean) <= NAME_LIMIT:
        return clean
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{clean[: NAME_LIMIT - 9].rstrip('-_.')}-{digest}"
