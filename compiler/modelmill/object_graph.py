"""Which emitted objects refer to which, and what a reference asks of the order they come in.

In: the objects of a model, or of an environment. Out: the references that lead to another one of
them. What people wrote may have any shape; what is no reference is none.

A reference is of one of three sorts:
  with       the object must be there no later than what refers to it
  after      what refers to it is of use only when the object is healthy: routes, scalers
  before     the object is to be healthy before what refers to it starts: Secrets, downloads
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from modelmill.registries import PARTS, POD_SPECS
from modelmill.resource import Resource

Sort = Literal["with", "after", "before"]
Key = tuple[str, str]
"""Kind and name."""
MADE_BY_KSERVE = ("Deployment", "InferencePool", "LeaderWorkerSet", "Service")
NO_NAME = "None"
"""Stands for the name of what is not referred to; no object has capital letters in its own."""
BY_KSERVE, BINDINGS = ("LLMInferenceService", ""), "bindings"
SECRET, CLAIM, ACCOUNT, SERVICE = "Secret", "PersistentVolumeClaim", "ServiceAccount", "Service"
POOL_FLAG = "pool-name"
CONTAINERS = ("initContainers", "containers")
# Fields of a `spec`, and what they refer to unless they say a kind.
REFERENCES = {
    "endpointPickerRef": SERVICE,
    "extensionRef": SERVICE,
    "poolRef": "InferencePool",
    "targetRef": "",
}


class Edge(NamedTuple):
    """A reference from one object to another, by their places in the list."""

    of: int
    to: int
    sort: Sort


def edges(resources: Sequence[Resource]) -> list[Edge]:
    """Every reference between the objects; to an object itself there is none."""
    index = _index(resources)
    found = [
        Edge(place, other, sort)
        for place, each in enumerate(resources)
        for sort, key in _references(each, index)
        for other in index.get(key, ())
        if other != place
    ]
    return [*found, *_of_claims(resources, index), *_of_policies(resources)]


def _index(resources: Sequence[Resource]) -> dict[Key, list[int]]:
    """Places of objects by what refers to them calls them: their own kind and name, a Secret that
    something else makes, the bindings of an account, and what KServe makes of a service."""
    index: dict[Key, list[int]] = defaultdict(list)
    for place, each in enumerate(resources):
        index[each.kind, each.name].append(place)
        if each.kind == "LLMInferenceService":
            index[BY_KSERVE].append(place)
        elif each.kind in ("ExternalSecret", "SealedSecret"):
            index[SECRET, str(_at(each.body, "spec", "target", "name") or each.name)].append(place)
        elif each.kind == "Certificate":
            index[SECRET, str(_at(each.body, "spec", "secretName"))].append(place)
        elif each.kind in ("RoleBinding", "ClusterRoleBinding"):
            for subject in _mappings(each.body.get("subjects")):
                index[BINDINGS, str(subject.get("name"))].append(place)
    return index


def _references(
    resource: Resource, index: Mapping[Key, Sequence[int]]
) -> Iterator[tuple[Sort, Key]]:
    """What an object refers to. What is not among them KServe may make."""
    for sort, key in _written(resource):
        if key[1] == NO_NAME:
            continue
        made = key[0] in MADE_BY_KSERVE and key not in index
        yield sort, BY_KSERVE if made else key


def _written(resource: Resource) -> Iterator[tuple[Sort, Key]]:
    body, spec = resource.body, _mapping(resource.body.get("spec"))
    namespace = _at(body, "metadata", "namespace")
    if namespace is not None and resource.kind != "Namespace":
        yield "before", ("Namespace", str(namespace))
    for pod in pods(resource):
        yield from _of_pod(pod)
    if "scaleTargetRef" in spec:
        # KEDA's scales a Deployment unless it says another kind.
        yield "after", _key(spec["scaleTargetRef"], "Deployment")
    for trigger in _mappings(spec.get("triggers")):
        yield "with", _key(trigger.get("authenticationRef"), "TriggerAuthentication")
    for each in _mappings(spec.get("secretTargetRef")):
        yield "before", _key(each, SECRET)
    for rule in _mappings(spec.get("rules")):
        yield from _of_rule(rule)
    for field, kind in REFERENCES.items():
        if field in spec:
            yield "with", _key(spec[field], kind)
    for each in _mappings(spec.get("targetRefs")):
        yield "with", _key(each, "")
    if isinstance(spec.get("host"), str):
        yield "with", (SERVICE, spec["host"].partition(".")[0])
    yield from _of_kind(resource, spec)


def _of_kind(resource: Resource, spec: Mapping[str, Any]) -> Iterator[tuple[Sort, Key]]:
    """References of one kind only."""
    if resource.kind in ("RoleBinding", "ClusterRoleBinding"):
        yield "with", _key(resource.body.get("roleRef"), "Role")
        for subject in _mappings(resource.body.get("subjects")):
            yield "with", _key(subject, ACCOUNT)
    elif resource.kind == "Gateway":
        # Not before it: an issuer may prove a host name by a route of this very Gateway.
        for listener in _mappings(spec.get("listeners")):
            for each in _mappings(_at(listener, "tls", "certificateRefs")):
                yield "with", _key(each, SECRET)
    elif resource.kind == "LLMInferenceService":
        for each in _mappings(spec.get("baseRefs")):
            yield "with", _key(each, "LLMInferenceServiceConfig")
        for each in _mappings(_at(spec, "router", "route", "http", "refs")):
            yield "with", _key(each, "HTTPRoute")
        yield "with", _key(_at(spec, "router", "scheduler", "pool", "ref"), "InferencePool")


def pods(resource: Resource) -> Iterator[Mapping[str, Any]]:
    """The PodSpecs of an object, or what it says of them."""
    for path in (*POD_SPECS.get(resource.kind, ()), *PARTS.get(resource.kind, ())):
        pod = _mapping(_at(resource.body, *path))
        if pod:
            yield pod


def _of_pod(pod: Mapping[str, Any]) -> Iterator[tuple[Sort, Key]]:
    if "serviceAccountName" in pod:
        account = str(pod["serviceAccountName"])
        yield "with", (ACCOUNT, account)
        yield "with", (BINDINGS, account)
    for each in _mappings(pod.get("imagePullSecrets")):
        yield "before", _key(each, SECRET)
    for each in _mappings(pod.get("resourceClaims")):
        yield "with", ("ResourceClaimTemplate", str(each.get("resourceClaimTemplateName")))
        yield "with", ("ResourceClaim", str(each.get("resourceClaimName")))
    for volume in _mappings(pod.get("volumes")):
        yield "with", (CLAIM, str(_at(volume, "persistentVolumeClaim", "claimName")))
        yield "before", (SECRET, str(_at(volume, "secret", "secretName")))
        yield "with", _key(volume.get("configMap"), "ConfigMap")
        for source in _mappings(_at(volume, "projected", "sources")):
            yield "before", _key(source.get("secret"), SECRET)
            yield "with", _key(source.get("configMap"), "ConfigMap")
    for container in (c for field in CONTAINERS for c in _mappings(pod.get(field))):
        yield from _of_container(container)


def _of_container(container: Mapping[str, Any]) -> Iterator[tuple[Sort, Key]]:
    for variable in _mappings(container.get("env")):
        source = variable.get("valueFrom")
        if source is not None:
            yield "before", _key(_at(source, "secretKeyRef"), SECRET)
            yield "with", _key(_at(source, "configMapKeyRef"), "ConfigMap")
    for source in _mappings(container.get("envFrom")):
        yield "before", _key(source.get("secretRef"), SECRET)
        yield "with", _key(source.get("configMapRef"), "ConfigMap")
    # An endpoint picker is not ready before it has read its pool.
    words = container.get("args")
    texts = words if isinstance(words, list) else []
    for word, following in zip(texts, [*texts[1:], ""], strict=False):
        if POOL_FLAG not in str(word):
            continue
        name, equals, value = str(word).lstrip("-").partition("=")
        if name == POOL_FLAG:
            yield "with", ("InferencePool", value if equals else str(following))


def _of_rule(rule: Mapping[str, Any]) -> Iterator[tuple[Sort, Key]]:
    """A rule of a route."""
    for backend in _mappings(rule.get("backendRefs")):
        key = _key(backend, SERVICE)
        yield "after", key
        # A route in another namespace needs leave to lead here.
        yield "with", ("ReferenceGrant", key[1])
    for each in _mappings(rule.get("filters")):
        yield "after", _key(_at(each, "requestMirror", "backendRef"), SERVICE)
        yield "with", _key(each.get("extensionRef"), "")


def _of_claims(resources: Sequence[Resource], index: Mapping[Key, Sequence[int]]) -> Iterator[Edge]:
    """A Job fills the claims it mounts, and who else mounts one comes when it is done.

    A claim is in the wave of its first pods: where its StorageClass binds by WaitForFirstConsumer
    nothing binds it before one of them is there, and a wave that waits for it waits for ever
    (argoproj/argo-cd#12840).
    """
    users: dict[str, list[int]] = defaultdict(list)
    for place, each in enumerate(resources):
        for pod in pods(each):
            for volume in _mappings(pod.get("volumes")):
                name = _at(volume, "persistentVolumeClaim", "claimName")
                if name is not None:
                    users[str(name)].append(place)
    for name, places in users.items():
        jobs = [place for place in places if resources[place].kind == "Job"]
        for claim in index.get((CLAIM, name), ()):
            yield from (Edge(claim, place, "with") for place in jobs or places)
        others = [place for place in places if place not in jobs]
        yield from (Edge(place, job, "before") for place in others for job in jobs)


def _of_policies(resources: Sequence[Resource]) -> Iterator[Edge]:
    """No pod is to run before the NetworkPolicies that are for it."""
    policies = [
        (place, _mapping(_at(each.body, "spec", "podSelector")))
        for place, each in enumerate(resources)
        if each.kind == "NetworkPolicy"
    ]
    if not policies:
        return
    for place, each in enumerate(resources):
        for path in POD_SPECS.get(each.kind, ()):
            labels = _mapping(_at(each.body, *path[:-1], "metadata", "labels"))
            for policy, selector in policies:
                if _selects(selector, labels):
                    yield Edge(place, policy, "with")


def _selects(selector: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    """Whether a LabelSelector takes the labels; one of expressions is taken to."""
    return all(labels.get(k) == v for k, v in _mapping(selector.get("matchLabels")).items())


def _key(reference: Any, kind: str) -> Key:
    """Kind and name of a reference; of the kind given where it says none."""
    found = _mapping(reference)
    return (str(found.get("kind") or kind), str(found.get("name")))


# Every value of every object passes here: emitted objects are of plain dicts and lists, and asking
# for these is several times as fast as for a Mapping.


def _at(value: Any, *path: str) -> Any:
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: Any) -> Sequence[Mapping[str, Any]]:
    if not isinstance(value, list | tuple):
        return ()
    return [each for each in value if isinstance(each, dict)]
