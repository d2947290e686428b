"""Where the comments of a chart's values stand in the Model made of them.

In: comments by their place in the values, what the chart renders, and the Model's tree. Out:
remarks by their place in the Model, and the comments that have none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from modelmill.importers.helm import Comment, Values
from modelmill.importers.model_text import Remark
from modelmill.importers.modelservice_chart import Container, Rendered, RoleFacts
from modelmill.importers.pod_fields import PROBES, Tree, keyed, ports_tree
from modelmill.tree import Node, plain
from modelmill.tuples import NamedTuple

Path: TypeAlias = tuple[str | int, ...]
Places: TypeAlias = dict[Path, Path]

_MODEL = ("name", "uri", "size", "mountPath", "readOnly")
_PARALLEL = ("tensor", "data", "dataLocal")
_ROLE = {
    "create": (),
    "replicas": ("replicas",),
    "strategy": ("strategy",),
    "annotations": ("metadata", "annotations"),
    "podAnnotations": ("pod", "annotations"),
    "podSecurityContext": ("pod", "securityContext"),
    "resourceClaims": ("pod", "resourceClaims"),
    "extraConfig": ("pod",),
    "acceleratorTypes": ("accelerator", "nodeLabels"),
    "accelerator": ("accelerator",),
    "parallelism": ("parallelism",),
    "subGroupPolicy": ("worker", "subGroup"),
    "monitoring": ("podMonitor",),
}
_CONTAINER = {
    "name": ("container", "name"),
    "image": ("engine", "image"),
    "modelCommand": ("engine", "type"),
    "command": ("engine", "command"),
    "args": ("engine", "argv"),
    "env": ("engine", "env"),
    "resources": ("resources",),
    "extraConfig": ("container",),
    **{key: ("probes", name) for key, name in PROBES.items()},
}


class Comments(NamedTuple):
    """Lines above everything, remarks by place for each tree, and comments without a place."""

    head: tuple[str, ...]
    remarks: tuple[dict[Path, Remark], ...]
    lost: tuple[str, ...]


def remarks_of(values: Values, rendered: Rendered, trees: Sequence[Tree]) -> Comments:
    """Each comment goes to the first tree that has a place for it."""
    places = dict(_places(values.root, rendered))
    head: list[str] = []
    lost: list[str] = []
    found: tuple[dict[Path, Remark], ...] = tuple({} for _ in trees)
    for path, comment in values.comments.items():
        if not path:
            head += [*comment.before, *comment.below]
            continue
        spots = (
            (remarks, _place(places, t, path)) for remarks, t in zip(found, trees, strict=True)
        )
        spot = next(((r, place) for r, place in spots if place is not None), None)
        if spot is None:
            lost += [line for line in (*comment.before, comment.after, *comment.below) if line]
        else:
            _add(*spot, comment)
    return Comments(tuple(head), found, tuple(lost))


def _add(remarks: dict[Path, Remark], place: Path, comment: Comment) -> None:
    was = remarks.get(place, Remark())
    remarks[place] = Remark(
        (*was.before, *comment.before),
        f"{was.after} {comment.after}".strip(),
        (*was.below, *comment.below),
    )


def _place(places: Mapping[Path, Path], tree: Tree, path: Path) -> Path | None:
    """The place in the tree that is nearest to what the comment is about."""
    known = next((path[:n] for n in range(len(path), 0, -1) if path[:n] in places), None)
    if known is None:
        return None
    place = _existing(tree, (*places[known], *path[len(known) :]))
    return place if len(place) > 1 else None


def _existing(tree: Any, path: Path) -> Path:
    """As much of the path as there is; what all roles share stands at the top of the spec."""
    if path[:2] == ("spec", "roles") and len(path) > 3:
        shared = ("spec", *path[3:])
        if _depth(tree, path) < 4 and _depth(tree, shared) > 1:
            path = shared
    return path[: _depth(tree, path)]


def _depth(tree: Any, path: Path) -> int:
    for depth, step in enumerate(path):
        is_item = isinstance(tree, list) and isinstance(step, int) and step < len(tree)
        if not is_item and not (isinstance(tree, dict) and step in tree):
            return depth
        tree = tree[step]
    return len(path)


def _places(values: Node, rendered: Rendered) -> Iterator[tuple[Path, Path]]:
    """Places of the values by those of the Model."""
    model: Path = ("spec", "model")
    yield ("modelArtifacts",), model
    yield from ((("modelArtifacts", key), (*model, key)) for key in _MODEL)
    yield ("modelArtifacts", "authSecretName"), (*model, "auth")
    yield ("routing",), ("spec", "routing")
    yield ("routing", "servicePort"), ("spec", "routing", "port")
    yield ("routing", "proxy"), ("spec", "routing", "sidecar")
    target = ("spec", "routing", "sidecar", "modelServerPort")
    yield ("routing", "proxy", "targetPort"), target
    yield ("multinode",), ("spec", "roles")
    yield ("accelerator",), ("spec", "accelerator")
    yield ("accelerator", "type"), ("spec", "accelerator", "name")
    yield ("accelerator", "dra"), ("spec", "accelerator", "allocation")
    yield ("requester",), ("spec", "roles", "decode", "dualPods")
    for facts in rendered.roles.values():
        yield from _role(values, facts)
    for index, body in enumerate(_plain(values, ("extraObjects",)) or []):
        named = f"{body.get('kind')}-{(body.get('metadata') or {}).get('name')}".lower()
        yield ("extraObjects", index), ("spec", "extraObjects", named)


def _role(values: Node, facts: RoleFacts) -> Iterator[tuple[Path, Path]]:
    role: Path = ("spec", "roles", facts.role)
    own = facts.path
    yield own, role
    for key, place in _ROLE.items():
        yield (*own, key), (*role, *place)
    for key in _PARALLEL:
        yield (*own, "parallelism", key), (*role, "parallelism", key)
    yield (*own, "parallelism", "workers"), (*role, "worker", "size")
    yield (*own, "accelerator", "type"), (*role, "accelerator", "name")
    yield (*own, "accelerator", "dra"), (*role, "accelerator", "allocation")
    yield (*own, "monitoring", "podmonitor"), (*role, "podMonitor")
    further = (
        "nodeSelector",
        "priorityClassName",
        "schedulerName",
        "enableServiceLinks",
        "hostIPC",
    )
    for key in (*further, "hostPID", "terminationGracePeriodSeconds", "imagePullSecrets"):
        yield (*own, key), (*role, "pod", key)
    for key, by in (("tolerations", "key"), ("volumes", "name"), ("initContainers", "name")):
        yield (*own, key), (*role, "pod", key)
        for index, name in enumerate(keyed(_plain(values, (*own, key)) or [], by)):
            yield (*own, key, index), (*role, "pod", key, name)
    for index, container in enumerate(facts.containers):
        if index == facts.engine:
            yield from _engine(values, container, role)
        else:
            yield container.path, (*role, "pod", "containers", container.name)


def _engine(values: Node, container: Container, role: Path) -> Iterator[tuple[Path, Path]]:
    own = container.path
    yield own, (*role, "engine")
    for key, place in _CONTAINER.items():
        yield (*own, key), (*role, *place)
    for index, entry in enumerate(_plain(values, (*own, "env")) or []):
        yield (*own, "env", index), (*role, "engine", "env", str(entry.get("name")))
    further = ("imagePullPolicy", "securityContext", "workingDir", "stdin", "tty")
    for key in further:
        yield (*own, key), (*role, "container", key)
    ports = _plain(values, (*own, "ports")) or []
    mounts = _plain(values, (*own, "volumeMounts")) or []
    for key, names in (("ports", ports_tree(ports)), ("volumeMounts", keyed(mounts, "mountPath"))):
        yield (*own, key), (*role, "container", key)
        for index, name in enumerate(names):
            yield (*own, key, index), (*role, "container", key, name)


def _plain(values: Node, path: Path) -> Any:
    node = values.get(*path)
    found = plain(node) if node is not None else None
    return found if isinstance(found, list) and all(isinstance(e, dict) for e in found) else None
