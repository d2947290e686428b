"""A ModelService and its BaseConfig as a Model over a Preset.

In: what the operator makes of them. Out: the Preset's spec, which is what it would make of a
ModelService that says nothing, and the Model's tree over it. What templates only printed a variable
into refers to where the Model has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelmill.importers.carried import Text, bare, live, text
from modelmill.importers.chart_model import model_of
from modelmill.importers.folding import fold
from modelmill.importers.hoisting import common
from modelmill.importers.model_text import Live
from modelmill.importers.modelservice_chart import (
    Accelerator,
    Container,
    ModelFacts,
    Parallelism,
    RoleFacts,
    RoutingFacts,
)
from modelmill.importers.modelservice_chart import Rendered as Release
from modelmill.importers.modelservice_chart.facts import ModelCommand
from modelmill.importers.modelservice_operator import CHILDREN, ROLES, Facts, Rendered
from modelmill.importers.modelservice_operator import RoleFacts as OperatorRole
from modelmill.importers.pod_fields import Tree, said
from modelmill.model_uri import UriFault, parse_uri
from modelmill.reference_text import FUNCTIONS
from modelmill.tuples import NamedTuple

MOUNT = "/model-cache"
PORT = "${routing.port}"
SHORTEST = 3
"""Of a shorter model name any word may be equal by chance."""
SUFFIXES = (
    *("-decode", "-prefill", "-service-decode", "-service-prefill", "-sa"),
    *("-epp", "-epp-sa", "-epp-service", "-epp-rolebinding", "-inference-pool", "-http-route"),
)
ORDER = ("defaults", "model", "engine", "accelerator", "routing", "roles", "extraObjects")
DEFAULT_PORT = 8000
# Makers by the extended resource their accelerators are.
MAKERS = {
    "nvidia.com/gpu": "nvidia",
    "amd.com/gpu": "amd",
    "habana.ai/gaudi": "intel-gaudi",
    "gpu.intel.com/i915": "intel-i915",
    "gpu.intel.com/xe": "intel-xe",
    "google.com/tpu": "google",
}


class Adopted(NamedTuple):
    """A Model's name and spec, whole; `objects` are what it must compile to."""

    name: str
    spec: Tree
    objects: tuple[Mapping[str, Any], ...]


def adopted(rendered: Rendered, *, scaled: bool = False) -> Adopted:
    """The Model, whole: nothing of it is in a Preset yet. `scaled`: its `replicas` are left to what
    scales it."""
    facts = rendered.facts
    assert facts is not None
    if scaled:
        rendered = rendered._replace(children=_scaled(rendered.children))
    name = facts.name.replace(".", "-").lower()
    objects = flattened(rendered.children)
    release = _release(rendered, facts, objects)
    spec = model_of(release, name, together=False).tree["spec"]
    if name == facts.name:
        # Else `${metadata.name}` would be another name than templates printed.
        lived = release._replace(objects=tuple(_with_live(rendered.live_children, objects)))
        spec = _livened(spec, model_of(lived, name, together=False).tree["spec"])
    whole = _referring(_keyed(spec, rendered), _references(name, facts))
    return Adopted(name, {"roles": {}, **whole}, tuple(bare(each) for each in objects))


def _scaled(children: Mapping[str, Any]) -> dict[str, Any]:
    """The children; the Deployments of roles say no number of pods."""
    found = dict(children)
    for key in (f"{role}Deployment" for role in ROLES):
        if key in found:
            spec = {k: v for k, v in found[key]["spec"].items() if k != "replicas"}
            found[key] = {**found[key], "spec": spec}
    return found


def _with_live(
    children: Mapping[str, Any], objects: Sequence[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """The objects with references in the place of values, under the names they have."""
    for plain, each in zip(objects, flattened(children), strict=True):
        yield {**each, "kind": plain["kind"], "metadata": plain["metadata"]}


def _livened(tree: Any, lived: Any, *, free: bool = False) -> Any:
    """The tree; where the same place of the other has a reference, that. In `free` data nothing
    makes text of a number that a reference gives."""
    if isinstance(tree, dict) and isinstance(lived, dict):
        return {
            key: _livened(value, lived.get(key), free=free or key == "extraObjects")
            for key, value in tree.items()
        }
    if isinstance(tree, list) and isinstance(lived, list) and len(tree) == len(lived):
        return [_livened(*pair, free=free) for pair in zip(tree, lived, strict=True)]
    if not isinstance(lived, Live) or (free and isinstance(tree, str) and lived == PORT):
        return tree
    return lived


def _references(name: str, facts: Facts) -> dict[str, str]:
    """What the operator makes of the names, as references to them."""
    found = {f"{name}{suffix}": f"${{metadata.name}}{suffix}" for suffix in SUFFIXES}
    if len(facts.model_name) > SHORTEST:
        found[facts.model_name] = "${model.name}"
        if FUNCTIONS["slug"](facts.model_name) == facts.label:
            found[facts.label] = "${slug(model.name)}"
    return found


def _referring(tree: Any, references: Mapping[str, str], place: tuple[str, ...] = ()) -> Any:
    """The tree, text that is one of the names referring to it; not where the names are set."""
    if isinstance(tree, dict):
        return {
            key: value
            if (*place, key) == ("model",)
            else _referring(value, references, (*place, str(key)))
            for key, value in tree.items()
        }
    if isinstance(tree, list):
        return [_referring(each, references, place) for each in tree]
    if isinstance(tree, str) and not isinstance(tree, Text | Live) and tree in references:
        return text(tree, references[tree])
    return tree


def over_preset(models: Sequence[Adopted], bases: Sequence[Adopted]) -> tuple[Tree, list[Tree]]:
    """The Preset of ModelServices that share a BaseConfig, and each Model's spec over it. `bases`
    are the Models of the BaseConfig alone, one for each."""
    preset = without_own(common([live(each.spec) for each in bases])) if bases else {}
    return _ordered(preset), [_ordered(fold(preset, live(each.spec))) for each in models]


def _ordered(spec: Tree) -> Tree:
    known = {key: spec[key] for key in ORDER if key in spec}
    return {**known, **{key: value for key, value in spec.items() if key not in known}}


def without_own(spec: Tree) -> Tree:
    """The spec without what only a Model says of itself."""
    roles = {
        name: {key: value for key, value in role.items() if key not in ("selector", "name")}
        for name, role in (spec.get("roles") or {}).items()
    }
    return said({**{k: v for k, v in spec.items() if k != "model"}, "roles": roles})


def flattened(children: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The operator's mapping as a list of objects, in its order."""
    found: list[dict[str, Any]] = []
    for key in CHILDREN:
        value = children.get(key)
        found += value if isinstance(value, list) else [value] if value else []
    return [each for each in found if (each.get("metadata") or {}).get("name")]


def _keyed(spec: Tree, rendered: Rendered) -> Tree:
    """Extra objects under the operator's keys, by which ModelServices share them."""
    names = {_identity(v): k for k, v in rendered.children.items() if isinstance(v, dict)}
    extra = {
        names.get(_identity(body), key): body
        for key, body in (spec.get("extraObjects") or {}).items()
    }
    return said({**spec, "extraObjects": extra})


def _identity(body: Mapping[str, Any]) -> tuple[str, str]:
    return str(body.get("kind")), str((body.get("metadata") or {}).get("name"))


def _release(rendered: Rendered, facts: Facts, objects: Sequence[dict[str, Any]]) -> Release:
    """The objects and facts in the form that Models are made of."""
    roles = {
        key: _role(rendered.children[f"{key}Deployment"], each)
        for key, each in facts.roles.items()
        if is_sound(rendered.children.get(f"{key}Deployment") or {}) and _is_uri(facts.uri)
    }
    model = ModelFacts(
        name=facts.model_name,
        uri=facts.uri,
        scheme=facts.uri.partition("://")[0],
        size=facts.size or None,
        mount_path=MOUNT,
        read_only=True,
        auth_secret=facts.auth_secret or None,
        labels={},
    )
    ports = [facts.routing_port, *facts.ports.values(), DEFAULT_PORT]
    routing = RoutingFacts(next(port for port in ports if port), None)
    return Release(
        facts.name, facts.namespace, "", tuple(objects), roles, model, routing, None, None, ()
    )


def _is_uri(uri: str) -> bool:
    try:
        parse_uri(uri, MOUNT)
    except UriFault:
        return False
    return True


def is_sound(deployment: Mapping[str, Any]) -> bool:
    """Whether the fields of a role can say it. What they cannot an API server refuses: containers
    without an image, two of a name, two volumes of a name, a variable with two sources, and
    whatever has no name."""
    spec = ((deployment.get("spec") or {}).get("template") or {}).get("spec") or {}
    containers = spec.get("containers") or []
    everything = [*containers, *(spec.get("initContainers") or [])]
    names = [each.get("name") for each in everything]
    volumes = [each.get("name") for each in spec.get("volumes") or []]
    env = [entry for each in everything for entry in each.get("env") or []]
    claims = spec.get("resourceClaims") or []
    return (
        bool(containers)
        and all(names)
        and all(each.get("name") for each in (*env, *claims))
        and all(each.get("image") for each in everything)
        and len(set(names)) == len(names)
        and len(set(volumes)) == len(volumes)
        and not any(entry.get("value") and entry.get("valueFrom") for entry in env)
        and all(_mounts_once(each) for each in everything)
    )


def _mounts_once(container: Mapping[str, Any]) -> bool:
    paths = [mount.get("mountPath") for mount in container.get("volumeMounts") or []]
    return len(set(paths)) == len(paths)


def _role(deployment: Mapping[str, Any], facts: OperatorRole) -> RoleFacts:
    spec = deployment["spec"]
    containers = spec["template"]["spec"].get("containers") or []
    names = [each.get("name") for each in containers]
    at = names.index(facts.engine) if facts.engine in names else 0
    resource, count = _accelerator(containers[at] if containers else {})
    maker = MAKERS.get(resource or "", (resource or "cpu").partition("/")[0].replace(".", "-"))
    return RoleFacts(
        role=facts.role,
        path=(facts.role,),
        kind="Deployment",
        name=facts.deployment,
        selector=spec["selector"]["matchLabels"],
        replicas=spec.get("replicas"),
        parallelism=Parallelism(tensor=facts.tensor),
        accelerator=Accelerator(maker, resource, count, False),
        engine_port=0,
        sidecar=False,
        containers=tuple(_container(each) for each in containers),
        engine=at,
        native_multi_node=False,
    )


def _container(container: Mapping[str, Any]) -> Container:
    serves = list(container.get("command") or ()) == ["vllm", "serve"]
    command: ModelCommand = "vllmServe" if serves else "custom"
    return Container(str(container.get("name")), (), command, None, False, ())


def _accelerator(container: Mapping[str, Any]) -> tuple[str | None, int]:
    """The accelerator's resource and how many the container asks for."""
    resources = container.get("resources") or {}
    asked = {**(resources.get("requests") or {}), **(resources.get("limits") or {})}
    for name, amount in asked.items():
        if name in MAKERS and str(amount).isdigit():
            return name, int(str(amount))
    return None, 0
