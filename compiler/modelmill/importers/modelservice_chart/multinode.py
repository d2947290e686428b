"""Groups of pods that serve as one: leader and workers of a LeaderWorkerSet.

In: a release and a role. Out: the templates of the group. The chart has one template for leader and
workers, so that engines it starts itself would all be data-parallel rank 0; such a role gets a
leader that knows its address and workers that know their first rank (vLLM, data parallel
deployment: --data-parallel-address, --data-parallel-start-rank, --headless).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from modelmill.diagnostics import Diagnostic, warning
from modelmill.importers.modelservice_chart.accelerator import SIMULATOR
from modelmill.importers.modelservice_chart.containers import engine_index, model_command
from modelmill.importers.modelservice_chart.facts import Role
from modelmill.importers.modelservice_chart.parallelism import sizes
from modelmill.importers.modelservice_chart.pods import pod_template
from modelmill.importers.modelservice_chart.release import Release, is_former
from modelmill.importers.modelservice_chart.sidecar import NAME as SIDECAR

RPC_PORT = "5555"
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
_RANKED = (
    "--data-parallel-address",
    "--data-parallel-start-rank",
    "--data-parallel-rank",
    "--headless",
)


def is_native(release: Release, role: Role) -> bool:
    """Whether the role's engines need ranks that the chart does not give them."""
    found = sizes(release, role)
    grouped = bool(release.get("multinode")) and not is_former(release)
    if not grouped or found.workers < 2 or found.data <= found.data_local:
        return False
    given = (release.get(role, "containers") or [{}])[engine_index(release, role)]
    words = [str(word).split("=")[0] for word in given.get("args") or []]
    started = model_command(given) != "custom" and SIMULATOR not in str(given.get("image"))
    return started and not any(flag in words for flag in _RANKED)


def group_templates(release: Release, role: Role) -> dict[str, Any]:
    """`workerTemplate`, and `leaderTemplate` where the two differ."""
    template = pod_template(release, role)
    if not is_native(release, role):
        return {"workerTemplate": template}
    at = engine_index(release, role)
    shared = [
        "--data-parallel-address",
        "$(LWS_LEADER_ADDRESS)",
        "--data-parallel-rpc-port",
        RPC_PORT,
    ]
    leader = _with_engine(template, at, _leading(template["spec"]["containers"][at], shared))
    worker = _with_engine(
        _without_sidecar(template),
        at,
        _working(template["spec"]["containers"][at], shared, sizes(release, role).data_local),
    )
    return {"leaderTemplate": leader, "workerTemplate": worker}


def _leading(engine: dict[str, Any], shared: list[str]) -> dict[str, Any]:
    return {**engine, "args": [*engine["args"], *shared, "--data-parallel-start-rank", "0"]}


def _working(engine: dict[str, Any], shared: list[str], local: int) -> dict[str, Any]:
    """The worker's engine, started by a shell that reckons the rank from the pod's index.

    It serves no HTTP, so that no probe would find it.
    """
    engine = {key: value for key, value in engine.items() if key not in PROBES}
    words = [*_started(engine), *shared, "--headless"]
    rank = f'--data-parallel-start-rank "$(( LWS_WORKER_INDEX * {local} ))"'
    line = f"exec {_shell(words)} {rank}"
    return {**engine, "command": ["/bin/sh", "-c"], "args": [line]}


def _started(engine: dict[str, Any]) -> list[str]:
    """The engine's whole command line. `vllm serve`, which an image starts by default, takes the
    model as its first word and refuses `--model`."""
    if "command" in engine:
        return [*engine["command"], *engine["args"]]
    flag, model, *args = engine["args"]
    named = [model] if flag == "--model" else [flag, model]
    return ["vllm", "serve", *named, *args]


def _shell(words: list[str]) -> str:
    # Kubernetes puts the address in before the shell sees the line, so that quotes do no harm.
    return " ".join(shlex.quote(word) for word in words)


def _with_engine(template: dict[str, Any], at: int, engine: dict[str, Any]) -> dict[str, Any]:
    containers = list(template["spec"]["containers"])
    containers[at] = engine
    return {**template, "spec": {**template["spec"], "containers": containers}}


def _without_sidecar(template: dict[str, Any]) -> dict[str, Any]:
    """Workers take no requests, so that nothing is to be routed to them."""
    kept = [each for each in template["spec"].get("initContainers", []) if each["name"] != SIDECAR]
    spec = {key: value for key, value in template["spec"].items() if key != "initContainers"}
    return {**template, "spec": {"initContainers": kept, **spec} if kept else spec}


def findings(release: Release, role: Role) -> Iterator[Diagnostic]:
    """Groups whose pods do not know their ranks, or do not need to."""
    found = sizes(release, role)
    if is_native(release, role):
        yield warning(
            "I817",
            f"the chart starts the same engine in all {found.workers} pods of a {role} group, each "
            "as data-parallel rank 0: taken over with a leader and workers that know their ranks",
            release.at(role, "parallelism"),
            "pods are replaced when it is rolled out: look at both commands first",
        )
    elif release.get("multinode") and found.workers > 1 and found.data == 1:
        given = (release.get(role, "containers") or [{}])[engine_index(release, role)]
        if model_command(given) != "custom":
            yield warning(
                "I814",
                f"a {role} group has {found.workers} pods but one data-parallel rank: every pod "
                "serves by itself, leader and workers alike; kept as it runs",
                release.at(role, "parallelism"),
                "raise `replicas` instead of `workers`, or set `data`",
            )
