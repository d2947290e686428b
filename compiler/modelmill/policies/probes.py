"""`probes`: probes of containers that listen on ports, in pods that run on."""

from __future__ import annotations

from collections.abc import Iterator

from modelmill.policies.broken import Broken, Pods

RUN_ON = frozenset({"DaemonSet", "Deployment", "LeaderWorkerSet", "ReplicaSet", "StatefulSet"})


def unprobed(pods: Pods, kind: str) -> Iterator[Broken]:
    """Containers without a probe of a kind: startup, readiness or liveness."""
    if pods.owner.kind not in RUN_ON:
        return
    for path, container in pods.containers("containers"):
        if container.get("ports") and not container.get(f"{kind}Probe"):
            what = f"`{path[1]}` has no {kind} probe"
            hint = f"set `probes.{kind}`, or the container's `{kind}Probe`"
            yield Broken(f"probes.{kind}", what, hint, (*path, f"{kind}Probe"), pods.part)
