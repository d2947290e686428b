"""modelmill.lock: which digest an image's tag stands for, and which commit a model's branch.

In: the lock as it was read, and names as people write them. Out: what each stands for. What has no
entry stays as it is written. Never: a look-up, which only `modelmill lock` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from modelmill import yamltext
from modelmill.catalog import Document
from modelmill.diagnostics import CompileError, Diagnostic, Span, error
from modelmill.regexes import regex
from modelmill.registries import whole
from modelmill.shapes import Problems
from modelmill.spec.documents import API_VERSION
from modelmill.spec.lock import LockDocument
from modelmill.tree import Node, plain, plant
from modelmill.tuples import NamedTuple

LOCK = "modelmill.lock"
KIND = "Lock"
HUB = "hf://"
LACKING = ("G950", "G952")
"""Findings of a lock that lacks something."""
EVERY = (*LACKING, "G951")
"""Findings of a lock that is not what `modelmill lock` would write."""
TEXT_HEAD = f"""\
# yaml-language-server: $schema=schemas/lock.json
# Written by `modelmill lock`: what tags and branches stand for. After a conflict in a merge keep
# either side and run it again.
apiVersion: {API_VERSION}
kind: {KIND}
"""
_is_commit = regex(r"[0-9a-f]{40}")


class Used(NamedTuple):
    """What manifests name: images by their whole names, models as `model_key` writes them."""

    images: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()


def united_uses(several: Iterable[Used]) -> Used:
    every = list(several)
    images = frozenset(name for each in every for name in each.images)
    return Used(images, frozenset(key for each in every for key in each.models))


def read_lock(node: Node) -> Document:
    """The lock from its file's tree; raises with all that is wrong with it."""
    kind = node.get("kind")
    if kind is None or kind.value != KIND:
        message = f"{LOCK} must be of the kind {KIND}"
        hint = "delete it and run `modelmill lock` to write it anew"
        raise CompileError([error("N201", message, (kind or node).span, hint)])
    problems = Problems(partial=False)
    record = LockDocument.shape().decode(node, problems)
    if problems.found:
        raise CompileError(problems.found)
    return Document(KIND, LOCK, LOCK, node, record)


def made_lock(content: Mapping[str, Any]) -> Document:
    """A lock that no file holds."""
    node = plant({"apiVersion": API_VERSION, "kind": KIND, **content}, (LOCK, 1, 1, 1))
    return read_lock(node)


def lock_text(lock: Document) -> str:
    """The lock as a file's text, an entry a line, sorted."""
    record: LockDocument = lock.record
    content: dict[str, Any] = {} if record.versions is None else {"versions": record.versions}
    if record.library is not None:
        named = {"version": record.library.version} if record.library.version else {}
        presets = dict(sorted(record.library.presets.items()))
        content["library"] = {**named, "presets": presets}
    if record.images is not None:
        content["images"] = dict(sorted(record.images.items()))
        content["models"] = dict(sorted(record.models.items()))
    return TEXT_HEAD + (yamltext.dump(content) if content else "")


def changed(lock: Document | None, **fields: Any) -> Document:
    """The lock with other values of some fields."""
    known = {} if lock is None else plain(lock.node)
    kept = {key: value for key, value in known.items() if key not in ("apiVersion", "kind")}
    found = {key: value for key, value in {**kept, **fields}.items() if value is not None}
    return made_lock(found)


def enforced(lock: Document | None) -> Document:
    """The lock as one in which everything has to be."""
    return lock if lock is not None and is_in_force(lock) else changed(lock, images={}, models={})


class _Everything(Mapping[str, str]):
    """Has an entry for whatever is asked for."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __getitem__(self, key: str) -> str:
        return self._value

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 1


def assumed(lock: Document | None) -> Document:
    """The lock as if everything were in it, for whoever asks what would have to be."""
    whole = changed(lock, images={}, models={})
    record = LockDocument(
        **{
            **whole.record.__dict__,
            "images": _Everything(f"sha256:{0:064}"),
            "models": _Everything(f"{0:040}"),
        }
    )
    return whole._replace(record=record)


def strict(
    diagnostics: Iterable[Diagnostic], codes: Sequence[str] = LACKING
) -> tuple[Diagnostic, ...]:
    """Findings about the lock as errors."""
    return tuple(d._replace(severity="error") if d.code in codes else d for d in diagnostics)


def is_in_force(lock: Document | None) -> bool:
    """Whether images and models have been looked up, so that one without an entry is amiss."""
    return lock is not None and lock.record.images is not None


def digests(lock: Document | None) -> Mapping[str, str]:
    """Digests by the whole names of images."""
    return lock.record.images or {} if lock is not None else {}


def commits(lock: Document | None) -> Mapping[str, str]:
    """Commits by `model_key`."""
    return lock.record.models if lock is not None else {}


def span_of(lock: Document, field: str, key: str) -> Span:
    """Where an entry stands, or would."""
    found = lock.node.get(field, key)
    return found.key_span if found is not None else lock.node.nearest(field).key_span


def model_key(uri: str, revision: str | None) -> str:
    """What a model of the hub has in the lock: `hf://ORG/MODEL`, `hf://ORG/MODEL@BRANCH`. "" for
    one that is pinned already, and for weights that are elsewhere: what is on a claim is what
    somebody put there, whatever the hub has today."""
    if not uri.startswith(HUB) or "${" in uri + (revision or ""):
        return ""
    if revision is None:
        return uri
    return "" if _is_commit.fullmatch(revision) else f"{uri}@{revision}"


def models_in(tree: Node) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The key of each model and adapter of a spec, with its place there; also of what is pinned by
    the lock already."""
    model = tree.get("model")
    if model is None or not isinstance(model.value, dict):
        return
    if _key(model):
        yield _key(model), ("model",)
    adapters = model.get("adapters")
    for name, adapter in adapters.value.items() if adapters is not None else ():
        if _key(adapter):
            yield _key(adapter), ("model", "adapters", name)


def pinned(
    tree: Node, lock: Document | None, known: dict[tuple[object, ...], tuple[object, object]]
) -> Node:
    """A spec whose models have the revisions that the lock has for them. A revision of the lock
    lies over the one that was asked for. `known` keeps what variants of a model share."""
    model = tree.get("model")
    if lock is None or not lock.record.models or model is None or not isinstance(model.value, dict):
        return tree
    key = ("pinned", id(model))
    if key not in known:
        # The node is kept beside the result: else its id could come to mean another one.
        known[key] = (model, _pinned_model(model, lock))
    found = known[key][1]
    if found is model or not isinstance(found, Node):
        return tree
    return Node({**tree.value, "model": found}, tree.place, tree.key, tree.under)


def used_of(lock: Document, used: Used) -> list[tuple[str, str, str]]:
    """The entries that these names have: field, key, value."""
    images, models = digests(lock), commits(lock)
    found = [("images", name, images[name]) for name in sorted(used.images) if name in images]
    return found + [("models", key, models[key]) for key in sorted(used.models) if key in models]


def pins_text(lock: Document | None) -> str:
    """What the lock says that manifests may depend on."""
    return repr((sorted(digests(lock).items()), sorted(commits(lock).items())))


def restricted(lock: Document | None, used: Used) -> Document:
    """The lock with no other entries than those of these names."""
    lock = lock or made_lock({})
    kept: dict[str, dict[str, Node]] = {"images": {}, "models": {}}
    for field, key, _ in used_of(lock, used):
        kept[field][key] = lock.node.nearest(field, key)
    sections = {}
    for field, entries in kept.items():
        section = lock.node.nearest(field)
        sections[field] = Node(entries, section.place, section.key)
    return lock._replace(node=Node(sections, lock.node.place))


def image_key(image: str) -> str:
    """What an image has in the lock: its whole name. "" for one that has a digest already."""
    return "" if "@" in image else whole(image)


def _pinned_model(model: Node, lock: Document) -> Node:
    entries = dict(_pinned(model, lock).value)
    adapters = model.get("adapters")
    if adapters is not None:
        each = {name: _pinned(node, lock) for name, node in adapters.value.items()}
        if any(each[name] is not node for name, node in adapters.value.items()):
            entries["adapters"] = Node(each, adapters.place, adapters.key, adapters.under)
    if all(entries.get(key) is node for key, node in model.value.items()) and len(entries) == len(
        model.value
    ):
        return model
    return Node(entries, model.place, model.key, model.under)


def _pinned(holder: Node, lock: Document) -> Node:
    """A model or an adapter with the revision of the lock."""
    key = _key(holder)
    commit = lock.record.models.get(key) if key else None
    if commit is None or _from_lock(holder.value.get("revision")):
        return holder
    entry, asked = lock.node.nearest("models", key), holder.value.get("revision")
    revision = Node(commit, entry.place, entry.key, asked)
    return Node({**holder.value, "revision": revision}, holder.place, holder.key, holder.under)


def _key(holder: Node) -> str:
    """`model_key` of what was asked for."""
    uri = holder.child("uri") if isinstance(holder.value, dict) else None
    revision = holder.value.get("revision") if uri is not None else None
    if _from_lock(revision):
        assert revision is not None
        revision = revision.under
    wanted = revision.value if revision is not None else None
    if uri is None or not isinstance(uri.value, str) or not isinstance(wanted, str | None):
        return ""
    return model_key(uri.value, wanted)


def _from_lock(node: Node | None) -> bool:
    return node is not None and node.place[0] == LOCK
