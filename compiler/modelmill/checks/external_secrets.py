"""C569: Secrets that are made from a store have the keys that pods read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from modelmill import object_store
from modelmill.diagnostics import Diagnostic, Note, Span, did_you_mean, error
from modelmill.external_secrets import keys_of
from modelmill.spec.secrets import ExternalSecret
from modelmill.tree import Node, remember
from modelmill.tuples import NamedTuple
from modelmill.variant import Variant

PLACE = "externalSecrets"


class Read(NamedTuple):
    """A key of a Secret that a pod reads."""

    secret: str
    key: str
    span: Span


def check(variant: Variant) -> Iterable[Diagnostic]:
    own, overlay = variant.spec.external_secrets, variant.overlay
    shared = overlay.record.external_secrets if overlay is not None else {}
    for name, record in own.items():
        if not record.data and not record.extract:
            span = variant.key_span_of(PLACE, name)
            yield error("C569", f"the Secret `{name}` gets no key", span, "set `data` or `extract`")
        if overlay is not None and name in shared:
            yield error(
                "C569",
                f"the environment `{overlay.name}` makes the Secret `{name}` for all its models",
                variant.key_span_of(PLACE, name),
                "leave it out here, or there",
                [Note("it is made here", overlay.node.nearest(PLACE, name).key_span)],
            )
    made = {**shared, **own}
    if not made:
        return
    for read in (*_of_auth(variant), *_of_spec(variant.tree)):
        if read.secret in made:
            yield from _missing(read, made[read.secret])


def _missing(read: Read, record: ExternalSecret) -> Iterable[Diagnostic]:
    keys = keys_of(record)
    if keys is not None and keys and read.key not in keys:
        hint = did_you_mean(read.key, keys) or "it has " + ", ".join(sorted(keys))
        message = f"the Secret `{read.secret}` is made without the key `{read.key}`"
        yield error("C569", message, read.span, hint)


def _of_auth(variant: Variant) -> Iterator[Read]:
    """What a download shows."""
    model = variant.spec.model
    if model.auth is None:
        return
    span = variant.span_of("model", "auth", "secretKey")
    for key in object_store.secret_keys(model):
        yield Read(model.auth.secret_name, key, span)


def _of_spec(spec: Node) -> Iterator[Read]:
    """Every `secretKeyRef` of a spec, whatever it is of. What a preset says of a field is the same
    for all its models."""
    for key, field in spec.value.items():
        roles = field.value.values() if key == "roles" and isinstance(field.value, dict) else ()
        parts = [part for role in roles for part in role.value.values()] if roles else [field]
        for part in parts:
            known = part.memo.get(_of_spec) if part.memo is not None else None
            if known is None:
                known = tuple(_referred(part, []))
                remember(part, _of_spec, known)
            yield from known


def _referred(node: Node, found: list[Read]) -> list[Read]:
    """Every `secretKeyRef` below a node, added to what is found."""
    # Most values are words, which is cheaper to see before a call than in it.
    if isinstance(node.value, list):
        for each in node.value:
            if isinstance(each.value, dict | list):
                _referred(each, found)
    elif isinstance(node.value, dict):
        for key, each in node.value.items():
            if key == "secretKeyRef":
                found += _reference(each)
            elif isinstance(each.value, dict | list):
                _referred(each, found)
    return found


def _reference(node: Node) -> Iterator[Read]:
    secret, key, optional = (node.get(name) for name in ("name", "key", "optional"))
    if secret is not None and key is not None and not (optional and optional.value):
        yield Read(str(secret.value), str(key.value), key.span)
