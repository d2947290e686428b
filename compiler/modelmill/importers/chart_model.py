"""A release of the llm-d ModelService chart as a Model.

In: what the chart renders, and what its objects follow from. Out: a Model's tree. It says
`defaults: none`: its pods are those that run, to the word, and take what modelmill recommends when
that line goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelmill import model_volume
from modelmill.engines import ENGINES
from modelmill.importers.chart_objects import (
    claim_template_of,
    extra_objects,
    monitor_of,
    workload_of,
)
from modelmill.importers.chart_roles import Pod, is_sidecar, pod_of, role_tree
from modelmill.importers.hoisting import hoisted
from modelmill.importers.model_text import Live
from modelmill.importers.modelservice_chart import ModelFacts, Rendered
from modelmill.importers.pod_fields import Tree, container_tree, said
from modelmill.model_uri import UriFault, parse_uri
from modelmill.spec.documents import API_VERSION
from modelmill.spec.model import ModelSource
from modelmill.spec.role import SHARED
from modelmill.tuples import NamedTuple

DEFAULT_MOUNT = "/model-cache"
SHARED_HERE = frozenset(SHARED) - {"replicas", "podMonitor"}
"""What roles that say the same say once, at the top of `spec`."""


class Adopted(NamedTuple):
    """A Model's name and tree."""

    name: str
    tree: Tree


def model_of(rendered: Rendered, name: str = "", *, together: bool = True) -> Adopted:
    """The Model of a release, called by the full name of the chart unless it is given another. What
    its roles say alike stands once, if they are to be `together`."""
    assert rendered.model is not None
    pods: dict[str, Pod] = {key: pod_of(rendered, facts) for key, facts in rendered.roles.items()}
    name = name or _model_name(rendered)
    mounted = _is_mounted(rendered.model, pods)
    roles: dict[str, Tree] = {
        key: role_tree(rendered, facts, pods[key], name, mounted)
        for key, facts in rendered.roles.items()
    }
    shared, roles = hoisted(roles, SHARED_HERE if together else ())
    account = {"kind": "ServiceAccount", "metadata": {"name": name}}
    spec = {
        "defaults": "none",
        "model": _model(rendered.model, mounted),
        **shared,
        "routing": _routing(rendered, pods),
        "roles": roles,
        "extraObjects": extra_objects(rendered, [account, *_carried(rendered)]),
    }
    tree = {
        "apiVersion": API_VERSION,
        "kind": "Model",
        "metadata": {"name": name},
        "spec": said(spec),
    }
    return Adopted(name, tree)


def _model_name(rendered: Rendered) -> str:
    """The chart's full name, of which its objects' names are made; dots are none of a Model's."""
    key, facts = next(iter(rendered.roles.items()))
    return facts.name.removesuffix(f"-{key}").replace(".", "-")


def _carried(rendered: Rendered) -> list[Mapping[str, Any]]:
    """Objects that the roles' fields make."""
    found: list[Mapping[str, Any]] = []
    for facts in rendered.roles.values():
        made = (
            workload_of(rendered, facts),
            monitor_of(rendered, facts),
            claim_template_of(rendered, facts),
        )
        found += [each for each in made if each is not None]
    return found


def _is_mounted(model: ModelFacts, pods: Mapping[str, Pod]) -> bool:
    """Whether the volume and the mount that follow from the weights are what every engine has."""
    try:
        uri = parse_uri(model.uri, model.mount_path)
    except UriFault:
        return False
    source = ModelSource(
        name=model.name, uri=model.uri, read_only=model.read_only, **said({"size": model.size})
    )
    volume, mount = model_volume.volume(source, uri), model_volume.mount(source, uri)
    needing = [pod for pod in pods.values() if ENGINES[pod.type].NEEDS_WEIGHTS]
    return bool(needing) and all(
        volume in (pod.spec.get("volumes") or [])
        and mount in (pod.engine.get("volumeMounts") or [])
        for pod in needing
    )


def _model(model: ModelFacts, mounted: bool) -> Tree:
    path = model.mount_path if model.mount_path != DEFAULT_MOUNT else None
    whole = model.uri.startswith("pvc://") and "/" not in model.uri.removeprefix("pvc://")
    uri = model.uri + "/" if whole else model.uri
    tree = said({"name": model.name, "uri": uri, "size": model.size, "mountPath": path})
    if not mounted:
        tree["mounted"] = False
    if not model.read_only:
        tree["readOnly"] = False
    if model.auth_secret:
        tree["auth"] = {"secretName": model.auth_secret}
    return tree


def _routing(rendered: Rendered, pods: Mapping[str, Pod]) -> Tree:
    routing = rendered.routing
    assert routing is not None
    tree: Tree = {"port": routing.service_port, "service": {"create": False}}
    if routing.proxy is None:
        has_prefill = "prefill" in rendered.roles and "decode" in rendered.roles
        return {**tree, **({"sidecar": {"enabled": False}} if has_prefill else {})}
    for key, facts in rendered.roles.items():
        found = [
            each for each in pods[key].spec.get("initContainers") or () if is_sidecar(facts, each)
        ]
        if found:
            tree["sidecar"] = _sidecar(rendered, found[0])
    return tree


def _sidecar(rendered: Rendered, container: Mapping[str, Any]) -> Tree:
    assert rendered.routing is not None
    proxy = rendered.routing.proxy
    assert proxy is not None
    fields = container_tree(container)
    ports = {"--port": rendered.routing.service_port, "--vllm-port": proxy.target_port}
    places = {"--port": "routing.port", "--vllm-port": "routing.sidecar.modelServerPort"}
    words = []
    for word in fields.pop("args", []):
        flag, _, value = str(word).partition("=")
        same = flag in ports and value == str(ports[flag])
        words.append(Live(f"{flag}=${{{places[flag]}}}") if same else str(word))
    own = {k: fields.pop(k) for k in ("image", "env", "resources") if k in fields}
    fields.pop("restartPolicy", None)
    return said(
        {
            **({} if "prefill" in rendered.roles else {"enabled": True}),
            "image": own.get("image"),
            "modelServerPort": proxy.target_port,
            "argv": words,
            "env": own.get("env"),
            "resources": own.get("resources"),
            "container": fields,
        }
    )
