"""What an API server makes of objects: its answers to a dry run, an apply, and two more.

In: objects that are deployed together. Out: answers by object; nothing stays on the server but
namespaces and classes, which are no story's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from api_server import DRY, Answer, Api, Object, namespace_of

OF_THE_SERVER = {"creationTimestamp", "generation", "managedFields", "resourceVersion", "uid"}
"""Fields of the metadata of every object."""
WORKLOADS = ("DaemonSet", "Deployment", "Job", "ReplicaSet", "StatefulSet")


class Kept(NamedTuple):
    """An object and what the server said to it, and to the pods of it that a controller makes.
    `settled`: to the third apply."""

    sent: Object
    dry: Answer
    applied: Answer
    again: Answer
    settled: Answer
    pods: tuple[Answer, ...]

    @property
    def name(self) -> str:
        return f"{self.sent['kind']} {namespace_of(self.sent)}/{self.sent['metadata']['name']}"


def apply_all(api: Api, objects: Sequence[Object]) -> list[Kept]:
    """Dry run, apply and apply again each object, all of them there at the same time. What an
    object needs of the platform is there: its namespace, and the classes of its pods."""
    own = [each for each in objects if each["kind"] == "Namespace"]
    rest = [each for each in objects if each["kind"] != "Namespace"]
    made = [(each, api.apply(each, **DRY), api.apply(each)) for each in own]
    for each in platform(api, own, rest):
        api.apply(each)
    dry = [api.apply(each, **DRY) for each in rest]
    made += [(each, ran, api.apply(each)) for each, ran in zip(rest, dry, strict=True)]
    again = [api.apply(each) for each, _, _ in made]
    found = [
        Kept(*answers, second, api.apply(answers[0]), admitted(api, answers[0]))
        for answers, second in zip(made, again, strict=True)
    ]
    for each in reversed(rest):
        api.delete(each)
    for each in own:
        # The labels of a namespace, which no controller could take away, are not the next story's.
        api.apply(_named("v1", "Namespace", each["metadata"]["name"]))
    return found


def platform(api: Api, own: Sequence[Object], rest: Sequence[Object]) -> Iterator[Object]:
    """Namespaces and classes that others than the repository make."""
    namespaces = {namespace_of(each) for each in rest if api.namespaced(each)}
    for name in sorted(namespaces - {each["metadata"]["name"] for each in own}):
        yield _named("v1", "Namespace", name)
    specs = [template["spec"] for each in rest for template in templates(each)]
    for name in sorted({each.get("priorityClassName") for each in specs} - {None}):
        yield {**_named("scheduling.k8s.io/v1", "PriorityClass", name), "value": 1}
    for name in sorted({each.get("runtimeClassName") for each in specs} - {None}):
        yield {**_named("node.k8s.io/v1", "RuntimeClass", name), "handler": name}


def _named(version: str, kind: str, name: str) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}}


def admitted(api: Api, body: Object) -> tuple[Answer, ...]:
    """What the server says to the pods of a workload, by dry run."""
    name, namespace = body["metadata"]["name"], namespace_of(body)
    pods = [
        {
            **_named("v1", "Pod", name),
            "metadata": {**template.get("metadata", {}), "name": name, "namespace": namespace},
            "spec": template["spec"],
        }
        for template in templates(body)
    ]
    return tuple(api.create(each, **DRY) for each in pods)


def templates(body: Object) -> list[Any]:
    """The pod templates of a workload, those of groups with the volumes that their controller's
    StatefulSets add."""
    spec = body.get("spec", {})
    if body["kind"] != "LeaderWorkerSet":
        return [spec["template"]] if body["kind"] in WORKLOADS else []
    group = spec["leaderWorkerTemplate"]
    claims = [each["metadata"]["name"] for each in group.get("volumeClaimTemplates", ())]
    volumes = [{"name": each, "persistentVolumeClaim": {"claimName": each}} for each in claims]
    parts = [group[k] for k in ("leaderTemplate", "workerTemplate") if k in group]
    return [
        {**each, "spec": {**each["spec"], "volumes": [*each["spec"].get("volumes", ()), *volumes]}}
        for each in parts
    ]


def changed(sent: Any, live: Any, path: str = "") -> Iterator[str]:
    """Fields that a server does not keep as they were sent."""
    if isinstance(sent, dict) and isinstance(live, dict):
        for key, value in sent.items():
            here = f"{path}.{key}".lstrip(".")
            if key in live:
                yield from changed(value, live[key], here)
            else:
                yield f"{here} is gone"
    elif isinstance(sent, list) and isinstance(live, list) and len(sent) == len(live):
        for place, pair in enumerate(zip(sent, live, strict=True)):
            yield from changed(*pair, f"{path}[{place}]")
    elif sent != live or type(sent) is not type(live):
        yield f"{path}: {sent!r} became {live!r}"


def added(sent: Any, live: Any, path: str = "") -> Iterator[str]:
    """Fields that a server sets and nobody sent, without those that every object has."""
    if isinstance(sent, dict) and isinstance(live, dict):
        ignored = {"": {"status"}, "metadata": OF_THE_SERVER}.get(path, set())
        for key in sorted(live.keys() - ignored):
            here = f"{path}.{key}".lstrip(".")
            if key in sent:
                yield from added(sent[key], live[key], here)
            else:
                yield here
    elif isinstance(sent, list) and isinstance(live, list):
        for pair in zip(sent, live, strict=False):
            yield from added(*pair, f"{path}[]")
