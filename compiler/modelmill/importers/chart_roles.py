"""A role of the chart as a role of a Model.

In: a role's workload as it is rendered, and what it follows from. Out: its tree, in which what
follows from other fields (accelerators, the weights' volume, ports) is left to follow from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelmill import model_volume
from modelmill.engines import ENGINES
from modelmill.importers.chart_engine import engine_type, flags_of, live_env, live_words
from modelmill.importers.chart_objects import (
    TOOL_LABELS,
    accelerator_tree,
    monitor_of,
    monitor_tree,
    workload_of,
)
from modelmill.importers.chart_requester import dual_pods_tree, served_template
from modelmill.importers.modelservice_chart import Rendered, RoleFacts
from modelmill.importers.pod_fields import Tree, engine_trees, pod_tree, said, texts
from modelmill.names import child_name
from modelmill.tuples import NamedTuple

SIDECAR = "routing-proxy"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


class Pod(NamedTuple):
    """A role's workload, its pod spec, and what kind of engine is in it."""

    workload: Mapping[str, Any]
    metadata: Mapping[str, Any]
    spec: Mapping[str, Any]
    engine: Mapping[str, Any]
    type: str


def pod_of(rendered: Rendered, facts: RoleFacts) -> Pod:
    workload = workload_of(rendered, facts)
    template, at = _template(workload), facts.engine
    pod = template["spec"]
    container = pod["containers"][at]
    kind = engine_type(container, facts.containers[at].model_command)
    return Pod(workload, template.get("metadata") or {}, pod, container, kind)


def _template(workload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The template of pods that serve: a group's leader's, or what a requester's pod becomes."""
    spec = workload["spec"]
    group = spec.get("leaderWorkerTemplate")
    if group is not None:
        return dict(group.get("leaderTemplate") or group["workerTemplate"])
    return served_template(workload) if workload["kind"] == "ReplicaSet" else dict(spec["template"])


def role_tree(rendered: Rendered, facts: RoleFacts, pod: Pod, name: str, mounted: bool) -> Tree:
    derives = mounted and ENGINES[pod.type].NEEDS_WEIGHTS
    fields, engine = engine_trees(_without_mount(pod.engine) if derives else pod.engine)
    sizes = _parallelism(facts)
    count = _count(facts, sizes)
    args = flags_of(rendered, facts, sizes, pod.engine["args"]) if _is_ranked(facts, pod) else None
    if args is not None:
        engine = said({**_without_words(engine), "args": args})
    else:
        engine["argv"] = live_words(rendered, facts, sizes, engine.get("argv", []))
    if "env" in engine:
        engine["env"] = live_env(sizes, engine["env"])
    _drop_derived(fields, pod, facts, count)
    spec = pod.workload["spec"]
    monitor = monitor_of(rendered, facts)
    own_name = facts.name if facts.name != child_name(name, facts.role) else None
    tree: Tree = {
        "name": own_name,
        "selector": texts(facts.selector),
        "replicas": facts.replicas,
        "autoscaling": {"by": "external"} if facts.replicas is None else None,
        "engine": {"type": pod.type, **engine},
        "accelerator": accelerator_tree(rendered, facts, count),
        "parallelism": sizes,
        "worker": _worker(spec.get("leaderWorkerTemplate"), facts, args),
        "dualPods": dual_pods_tree(pod.workload) if facts.kind == "ReplicaSet" else None,
        "strategy": _strategy(spec.get("strategy") or {}),
        "podMonitor": monitor_tree(monitor) if monitor else None,
        "metadata": _metadata(pod.workload["metadata"]),
        **fields,
        "pod": _pod_fields(facts, pod, name, derives),
    }
    kept = said(tree)
    if spec.get("leaderWorkerTemplate") is not None:
        kept["worker"] = tree["worker"]
    return _with_node_labels(kept)


def _is_ranked(facts: RoleFacts, pod: Pod) -> bool:
    """Whether the compiler may make the command line, as it knows each pod's rank itself."""
    return facts.native_multi_node and pod.type == "vllm"


def _without_words(engine: Tree) -> Tree:
    return {k: v for k, v in engine.items() if k not in ("argv", "command")}


def _metadata(metadata: Mapping[str, Any]) -> Tree:
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k not in TOOL_LABELS}
    return said({"labels": texts(labels), "annotations": texts(metadata.get("annotations") or {})})


def _without_mount(container: Mapping[str, Any]) -> Tree:
    mounts = [m for m in container["volumeMounts"] if m["name"] != model_volume.NAME]
    return {**container, "volumeMounts": mounts}


def _pod_fields(facts: RoleFacts, pod: Pod, name: str, derives: bool) -> Tree:
    spec = dict(pod.spec)
    spec["initContainers"] = [
        each for each in spec.get("initContainers") or () if not is_sidecar(facts, each)
    ]
    if derives:
        spec["volumes"] = [v for v in spec["volumes"] if v["name"] != model_volume.NAME]
    if spec.get("serviceAccountName") == name:
        del spec["serviceAccountName"]
    claim = facts.accelerator.claim
    if claim is not None:
        others = [c for c in spec.get("resourceClaims") or () if c["name"] != claim.name]
        spec["resourceClaims"] = others
    beside = [c for i, c in enumerate(pod.spec["containers"]) if i != facts.engine]
    own = {k: v for k, v in (pod.metadata.get("labels") or {}).items() if k not in facts.selector}
    return said(
        {
            "labels": texts(own),
            "annotations": texts(pod.metadata.get("annotations") or {}),
            **pod_tree(spec, beside),
        }
    )


def is_sidecar(facts: RoleFacts, container: Mapping[str, Any]) -> bool:
    return facts.sidecar and container.get("name") == SIDECAR


def _parallelism(facts: RoleFacts) -> Tree:
    """Sizes that agree with each other; the words of the engine say what it is told in any case."""
    known = facts.parallelism
    local, workers = known.data_local, known.workers
    data = known.data or (local or 1) * (workers or 1)
    tree = said({"tensor": known.tensor, "data": data if data > 1 else known.data})
    if facts.kind == "LeaderWorkerSet" and (workers or 1) > 1 and data == 1:
        # Each pod is one rank, which its command line may know more of than the values.
        tree["dataLocal"] = 1
    if facts.kind == "LeaderWorkerSet" and data > 1:
        if (local or data) * (workers or 1) != data:
            return said({"tensor": known.tensor})
        tree["dataLocal"] = local or data // (workers or 1)
    return tree


def _count(facts: RoleFacts, sizes: Mapping[str, Any]) -> int:
    """Accelerators that the compiler reckons for one pod (`groups.group_of`)."""
    pods = facts.parallelism.workers or 1 if facts.kind == "LeaderWorkerSet" else 1
    tensor, data = int(sizes.get("tensor") or 1), int(sizes.get("data") or 1)
    if "dataLocal" not in sizes and pods > data:
        return max(tensor * data // pods, 1)
    return tensor * int(sizes.get("dataLocal") or max(data // pods, 1))


def _drop_derived(fields: Tree, pod: Pod, facts: RoleFacts, count: int) -> None:
    """Take out of `resources` what follows from the accelerator and the pod's claims."""
    resources = fields.get("resources") or {}
    name = facts.accelerator.resource
    sides = [resources.get(side) or {} for side in ("requests", "limits")]
    if name and all(side.get(name) == str(count) for side in sides):
        for side in sides:
            del side[name]
    claims = [c["name"] for c in pod.spec.get("resourceClaims") or ()]
    if list(resources.get("claims") or ()) == claims:
        resources.pop("claims", None)
    fields["resources"] = said(resources)


def _worker(
    group: Mapping[str, Any] | None, facts: RoleFacts, args: Mapping[str, Any] | None
) -> Tree | None:
    """`worker`; with its own words where the leader's are other ones that `args` cannot hold."""
    if group is None:
        return None
    parts = group.get("subGroupPolicy") or {}
    sub = said({"size": parts.get("subGroupSize"), "type": parts.get("subGroupPolicyType")})
    own = {}
    if "leaderTemplate" in group and args is None:
        container = group["workerTemplate"]["spec"]["containers"][facts.engine]
        own = {"command": container["command"], "argv": container["args"]}
    return said({"size": group.get("size", 1), "subGroup": sub, **own})


def _strategy(strategy: Mapping[str, Any]) -> Tree:
    limits = strategy.get("rollingUpdate") or {}
    return said(
        {
            "type": strategy.get("type"),
            "maxSurge": _text(limits.get("maxSurge")),
            "maxUnavailable": _text(limits.get("maxUnavailable")),
        }
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _with_node_labels(tree: Tree) -> Tree:
    """A node affinity that only tells the accelerator's nodes is the accelerator's own."""
    pod = tree.get("pod") or {}
    terms = (
        ((pod.get("affinity") or {}).get("nodeAffinity") or {}).get(
            "requiredDuringSchedulingIgnoredDuringExecution"
        )
        or {}
    ).get("nodeSelectorTerms") or []
    expressions = terms[0].get("matchExpressions") if len(terms) == 1 else None
    if not expressions or set(terms[0]) != {"matchExpressions"}:
        return tree
    labels = {e["key"]: e["values"] for e in expressions if e.get("operator") == "In"}
    only = {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": expressions}]
            }
        }
    }
    if pod["affinity"] != only or len(labels) != len(expressions):
        return tree
    left = {k: v for k, v in pod.items() if k != "affinity"}
    return said({**tree, "accelerator": {**tree["accelerator"], "nodeLabels": labels}, "pod": left})
