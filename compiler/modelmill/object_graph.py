"""Which emitted objects refer to which, and what a reference asks of the order they come in.

In: the objects of a model, or of an environment. Out: the references that lead to another one of
them. What people wrote may have any shape; what is no reference is none.

A reference is of one of three sorts:
  with       the object must be there no later than what refers to it
  after      what refers to it is of use only when the object is healthy: routes, scalers
  before     the object is to be healthy before what refers to it starts: Secrets, downloads
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from modelmill.registries import PARTS, POD_SPECS
from modelmill.resource import Resource
from modelmill.tuples import NamedTuple

Sort = Literal["with", "after", "before"]
Key = tuple[str, str]
"""Kind and name."""
Reference = tuple[Sort, Key]
MADE_BY_KSERVE = ("Deployment", "InferencePool", "LeaderWorkerSet", "Service")
NO_NAME = "None"
"""Stands for the name of what is not referred to; no object has capital letters in its own."""
BINDING_KINDS = frozenset({"RoleBinding", "ClusterRoleBinding"})
BY_KSERVE, BINDINGS = ("LLMInferenceService", ""), "bindings"
SECRET, CLAIM, ACCOUNT, SERVICE = "Secret", "PersistentVolumeClaim", "ServiceAccount", "Service"
POLICY = "NetworkPolicy"
POOL_FLAG = "pool-name"
CONTAINERS = ("initContainers", "containers")
# Fields of a `spec`, and what they refer to unless they say a kind.
REFERENCES = {
    "endpointPickerRef": SERVICE,
    "extensionRef": SERVICE,
    "poolRef": "InferencePool",
    "targetRef": "",
}


class Links(NamedTuple):
    """What of an object the order goes by.

    called      what others refer to it by
    references  what it refers to
    claims      names of the claims its pods mount
    pods        labels of the pods it makes
    selector    of a NetworkPolicy, the pods it is for
    """

    called: tuple[Key, ...]
    references: tuple[Reference, ...]
    claims: tuple[str, ...]
    pods: tuple[Mapping[str, Any], ...]
    selector: Mapping[str, Any] | None


class Edge(NamedTuple):
    """A reference from one object to another, by their places in the list."""

    of: int
    to: int
    sort: Sort


def links_of(resource: Resource) -> Links:
    """What of an object the order goes by, whatever is beside it."""
    body, kind = resource.body, resource.kind
    called, written = ((kind, resource.name), *_called(resource)), _written(resource)
    if kind not in POD_SPECS and kind not in PARTS:
        selector = _mapping(_at(body, "spec", "podSelector")) if kind == POLICY else None
        return Links(called, _distinct(written), (), (), selector)
    of_pods = [each for pod in pods(resource) for each in _of_pod(pod)]
    templates = (_at(body, *path[:-1]) for path in POD_SPECS.get(kind, ()))
    return Links(
        called,
        _distinct((*of_pods, *written)),
        tuple([name for _, (kind, name) in of_pods if kind == CLAIM and name != NO_NAME]),
        tuple([_mapping(_at(template, "metadata", "labels")) for template in templates]),
        None,
    )


def _distinct(references: Iterable[Reference]) -> tuple[Reference, ...]:
    return tuple({each: None for each in references if each[1][1] != NO_NAME})


def edges(objects: Sequence[Links]) -> list[Edge]:
    """Every reference between the objects; to an object itself there is none."""
    index: dict[Key, list[int]] = {}
    for place, each in enumerate(objects):
        for key in each.called:
            index.setdefault(key, []).append(place)
    found = []
    for place, each in enumerate(objects):
        for sort, key in each.references:
            places = index.get(key)
            if places is None and key[0] in MADE_BY_KSERVE:
                # What is not among them KServe may make.
                places = index.get(BY_KSERVE)
            if places is not None:
                found += [Edge(place, other, sort) for other in places if other != place]
    return [*found, *_of_claims(objects, index), *_of_policies(objects)]


def _called(resource: Resource) -> Iterable[Key]:
    """What else refers to an object calls it than by its kind and name: a Secret that something
    makes of it, the bindings of an account, and what KServe makes of a service."""
    kind, body = resource.kind, resource.body
    if kind == "LLMInferenceService":
        return (BY_KSERVE,)
    if kind in ("ExternalSecret", "SealedSecret"):
        return ((SECRET, str(_at(body, "spec", "target", "name") or resource.name)),)
    if kind == "Certificate":
        return ((SECRET, str(_at(body, "spec", "secretName"))),)
    if kind in BINDING_KINDS:
        return ((BINDINGS, str(each.get("name"))) for each in _mappings(body.get("subjects")))
    return ()


def _written(resource: Resource) -> Iterator[Reference]:
    """What an object refers to, but for its pods."""
    kind, body = resource.kind, resource.body
    namespace = body["metadata"].get("namespace")
    if namespace is not None and kind != "Namespace":
        yield "before", ("Namespace", str(namespace))
    for field, value in _mapping(body.get("spec")).items():
        if field in REFERENCES:
            yield "with", _key(value, REFERENCES[field])
        elif field in FIELDS:
            yield from FIELDS[field](value)
    if kind in BINDING_KINDS:
        yield "with", _key(body.get("roleRef"), "Role")
        for subject in _mappings(body.get("subjects")):
            yield "with", _key(subject, ACCOUNT)
    elif kind == "LLMInferenceService":
        spec = body.get("spec")
        for each in _mappings(_at(spec, "baseRefs")):
            yield "with", _key(each, "LLMInferenceServiceConfig")
        for each in _mappings(_at(spec, "router", "route", "http", "refs")):
            yield "with", _key(each, "HTTPRoute")
        yield "with", _key(_at(spec, "router", "scheduler", "pool", "ref"), "InferencePool")
    elif kind == "Gateway":
        # Not before it: an issuer may prove a host name by a route of this very Gateway.
        for listener in _mappings(_at(body, "spec", "listeners")):
            for each in _mappings(_at(listener, "tls", "certificateRefs")):
                yield "with", _key(each, SECRET)


def _of_rules(rules: Any) -> Iterator[Reference]:
    """The rules of a route."""
    for rule in _mappings(rules):
        for backend in _mappings(rule.get("backendRefs")):
            key = _key(backend, SERVICE)
            yield "after", key
            # A route in another namespace needs leave to lead here.
            yield "with", ("ReferenceGrant", key[1])
        for each in _mappings(rule.get("filters")):
            yield "after", _key(_at(each, "requestMirror", "backendRef"), SERVICE)
            yield "with", _key(each.get("extensionRef"), "")


def _of_host(host: Any) -> Iterator[Reference]:
    if isinstance(host, str):
        yield "with", (SERVICE, host.partition(".")[0])


# Further fields of a `spec`. KEDA's scalers scale a Deployment unless they say another kind.
FIELDS: Mapping[str, Callable[[Any], Iterable[Reference]]] = {
    "host": _of_host,
    "rules": _of_rules,
    "scaleTargetRef": lambda value: [("after", _key(value, "Deployment"))],
    "secretTargetRef": lambda value: [("before", _key(each, SECRET)) for each in _mappings(value)],
    "targetRefs": lambda value: [("with", _key(each, "")) for each in _mappings(value)],
    "triggers": lambda value: [
        ("with", _key(each.get("authenticationRef"), "TriggerAuthentication"))
        for each in _mappings(value)
    ],
}


def pods(resource: Resource) -> Iterator[Mapping[str, Any]]:
    """The PodSpecs of an object, or what it says of them."""
    for path in (*POD_SPECS.get(resource.kind, ()), *PARTS.get(resource.kind, ())):
        pod = _mapping(_at(resource.body, *path))
        if pod:
            yield pod


def _of_pod(pod: Mapping[str, Any]) -> Iterator[Reference]:
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
        if "persistentVolumeClaim" in volume:
            yield "with", (CLAIM, str(_at(volume, "persistentVolumeClaim", "claimName")))
        if "secret" in volume:
            yield "before", (SECRET, str(_at(volume, "secret", "secretName")))
        if "configMap" in volume:
            yield "with", _key(volume["configMap"], "ConfigMap")
        if "projected" in volume:
            for source in _mappings(_at(volume, "projected", "sources")):
                yield from _of_sources(source, "configMap", "secret")
    for container in [c for field in CONTAINERS for c in _mappings(pod.get(field))]:
        for variable in _mappings(container.get("env")):
            if "valueFrom" in variable:
                source = _mapping(variable["valueFrom"])
                yield from _of_sources(source, "configMapKeyRef", "secretKeyRef")
        for source in _mappings(container.get("envFrom")):
            yield from _of_sources(source, "configMapRef", "secretRef")
        yield from _of_words(container.get("args"))


def _of_sources(holder: Mapping[str, Any], config_map: str, secret: str) -> Iterator[Reference]:
    """The ConfigMap or Secret that a holder names under these keys."""
    if config_map in holder:
        yield "with", _key(holder[config_map], "ConfigMap")
    if secret in holder:
        yield "before", _key(holder[secret], SECRET)


def _of_words(words: Any) -> Iterator[Reference]:
    """An endpoint picker is not ready before it has read its pool."""
    for place, word in enumerate(words if isinstance(words, list) else ()):
        if isinstance(word, str) and POOL_FLAG in word:
            name, equals, value = word.lstrip("-").partition("=")
            if name == POOL_FLAG:
                following = str(words[place + 1]) if place + 1 < len(words) else ""
                yield "with", ("InferencePool", value if equals else following)


def _of_claims(objects: Sequence[Links], index: Mapping[Key, Sequence[int]]) -> Iterator[Edge]:
    """A Job fills the claims it mounts, and who else mounts one comes when it is done.

    A claim is in the wave of its first pods: where its StorageClass binds by WaitForFirstConsumer
    nothing binds it before one of them is there, and a wave that waits for it waits for ever
    (argoproj/argo-cd#12840).
    """
    users: dict[str, list[int]] = {}
    for place, each in enumerate(objects):
        for name in each.claims:
            users.setdefault(name, []).append(place)
    for name, places in users.items():
        jobs = [place for place in places if objects[place].called[0][0] == "Job"]
        for claim in index.get((CLAIM, name), ()):
            yield from (Edge(claim, place, "with") for place in jobs or places)
        others = [place for place in places if place not in jobs]
        yield from (Edge(place, job, "before") for place in others for job in jobs)


def _of_policies(objects: Sequence[Links]) -> Iterator[Edge]:
    """No pod is to run before the NetworkPolicies that are for it."""
    policies = [(place, o.selector) for place, o in enumerate(objects) if o.selector is not None]
    for place, each in enumerate(objects) if policies else ():
        for labels in each.pods:
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
    if not isinstance(value, (list, tuple)):
        return ()
    return [each for each in value if isinstance(each, dict)]
