"""A pod that runs, as the fields of the input language.

In: PodSpecs and Containers as Kubernetes has them. Out: plain trees of `pod`, `container`, `engine`
and `probes` fields that compile, with `defaults: none`, to the same. What has no field of its own
goes under `fields`; nothing is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from modelmill.spec.pod import Container, ContainerFields, Pod, Probe, Resources

Tree = dict[str, Any]

PROBES = {"startupProbe": "startup", "readinessProbe": "readiness", "livenessProbe": "liveness"}
_ENGINE = ("name", "image", "command", "args", "env", "resources", *PROBES)
_POD_LISTS = {
    "tolerations": "key",
    "topologySpreadConstraints": "topologyKey",
    "volumes": "name",
    "imagePullSecrets": "name",
}
_DERIVED = ("containers", "initContainers", "resourceClaims")


def said(entries: Mapping[str, Any]) -> Tree:
    """The entries that say something; Kubernetes reads an empty one as an absent one."""
    return {k: v for k, v in entries.items() if v is not None and v != {} and v != [] and v != ""}


def texts(entries: Mapping[str, Any]) -> Tree:
    """Labels or annotations, whose values are text."""
    return {k: text(v) for k, v in entries.items()}


def text(value: Any) -> str:
    """A value as Kubernetes wants it in text; a string stays the object it is."""
    if isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


def pod_tree(spec: Mapping[str, Any], beside: Iterable[Mapping[str, Any]]) -> Tree:
    """`pod`: everything of a PodSpec but the engine's container; `beside` are the further ones."""
    tree: Tree = {}
    further: Tree = {}
    for key, value in said(spec).items():
        if key in _POD_LISTS:
            tree[key] = keyed(value, _POD_LISTS[key])
        elif key == "nodeSelector":
            tree[key] = texts(value)
        elif key in Pod._declared and key not in _DERIVED:
            tree[key] = value
        elif key == "resourceClaims":
            tree[key] = {each["name"]: _claim(each) for each in value}
        elif key not in _DERIVED:
            further[key] = value
    inits = {each["name"]: container_tree(each) for each in spec.get("initContainers") or ()}
    others = {each["name"]: container_tree(each) for each in beside}
    return said({**tree, "initContainers": inits, "containers": others, "fields": further})


def engine_trees(container: Mapping[str, Any]) -> tuple[Tree, Tree]:
    """The engine's container as its own fields of a role (`container`, `resources`, `probes`) and
    those of `engine`: image, command, words, environment."""
    engine = said(
        {
            "image": container.get("image"),
            "command": container.get("command"),
            "argv": container.get("args"),
            "env": env_tree(container.get("env") or ()),
        }
    )
    rest = {k: v for k, v in container.items() if k not in _ENGINE}
    fields = {"name": container["name"], **_fields(rest, ContainerFields._declared)}
    role = {
        "container": fields,
        "resources": resources_tree(container.get("resources") or {}),
        "probes": _probes(container),
    }
    return said(role), engine


def container_tree(container: Mapping[str, Any]) -> Tree:
    """A container beside the engine, or an init container; its name is its key."""
    own = ("name", "command", "args", "env", "resources", *PROBES)
    rest = {k: v for k, v in container.items() if k not in own}
    return said(
        {
            **{k: rest.pop(k) for k in ("image", "restartPolicy") if k in rest},
            "command": container.get("command"),
            "args": container.get("args"),
            "env": env_tree(container.get("env") or ()),
            "resources": resources_tree(container.get("resources") or {}),
            **_fields(rest, Container._declared),
            "probes": _probes(container),
        }
    )


def env_tree(env: Iterable[Mapping[str, Any]]) -> Tree:
    """EnvVar items by name."""
    found: Tree = {}
    for each in env:
        source = each.get("valueFrom")
        found[each["name"]] = {"valueFrom": source} if source else text(each.get("value", ""))
    return found


def resources_tree(resources: Mapping[str, Any]) -> Tree:
    sides = {
        side: {name: text(amount) for name, amount in (resources.get(side) or {}).items()}
        for side in ("requests", "limits")
    }
    claims = keyed(resources.get("claims") or (), "name")
    known = {k: v for k, v in {**sides, "claims": claims}.items() if k in Resources._declared}
    return said(known)


def keyed(items: Sequence[Mapping[str, Any]], key: str) -> Tree:
    """List items by the value that Kubernetes knows them by; an item without one, or with one that
    another has, stands under a name of its own and says its key."""
    found: Tree = {}
    for index, item in enumerate(items):
        name = item.get(key)
        if isinstance(name, str) and name and name not in found:
            found[name] = {k: v for k, v in item.items() if k != key}
        else:
            label = str(item.get("effect") or item.get("operator") or key).lower()
            found[_free(found, f"{label}-{index + 1}")] = {**item, key: name or ""}
    return found


def ports_tree(ports: Sequence[Mapping[str, Any]]) -> Tree:
    """ContainerPorts by name, or by number where they have none."""
    found: Tree = {}
    for port in ports:
        name, number = port.get("name"), str(port["containerPort"])
        rest = {k: v for k, v in port.items() if k not in ("name", "containerPort")}
        if name:
            found[name] = {"containerPort": port["containerPort"], **rest}
        elif number not in found:
            found[number] = rest
        else:
            label = f"{number}-{str(port.get('protocol', 'tcp')).lower()}"
            found[_free(found, label)] = {**port, "name": ""}
    return found


def _fields(container: Mapping[str, Any], declared: Iterable[str]) -> Tree:
    """Fields of a container that are handed on; what has no field of its own under `fields`."""
    tree: Tree = {}
    further: Tree = {}
    for key, value in said(container).items():
        if key == "ports":
            tree[key] = ports_tree(value)
        elif key == "volumeMounts":
            tree[key] = keyed(value, "mountPath")
        elif key in declared and key != "fields":
            tree[key] = value
        else:
            further[key] = value
    return said({**tree, "fields": further})


def _probes(container: Mapping[str, Any]) -> Tree:
    known = Probe._declared
    return {
        name: {k: v for k, v in container[key].items() if k in known}
        for key, name in PROBES.items()
        if container.get(key)
    }


def _claim(entry: Mapping[str, Any]) -> Tree:
    template = entry.get("resourceClaimTemplateName")
    return {"template": template} if template else {"claim": entry.get("resourceClaimName")}


def _free(taken: Mapping[str, Any], name: str) -> str:
    """The name, or the next that is free."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free
