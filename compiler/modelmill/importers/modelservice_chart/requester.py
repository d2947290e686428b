"""Dual pods: a requester that holds the accelerators, and a patch that makes the serving pod.

In: a release with `requester.enable`. Out: the ReplicaSet of requesters
(decode-requester-replicaset.yaml; llm-d-incubation/llm-d-fast-model-actuation, dual pods).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelmill.diagnostics import Diagnostic, warning
from modelmill.gotypes.scalars import written
from modelmill.importers.modelservice_chart import server_patch
from modelmill.importers.modelservice_chart.accelerator import facts as accelerator_facts
from modelmill.importers.modelservice_chart.containers import engine_index
from modelmill.importers.modelservice_chart.facts import RequesterFacts
from modelmill.importers.modelservice_chart.parallelism import sizes
from modelmill.importers.modelservice_chart.pods import pod_spec
from modelmill.importers.modelservice_chart.release import Release, role_name
from modelmill.importers.modelservice_chart.workloads import replicas

SELECTOR: Mapping[str, str] = {"app": "dp-app"}
ADMIN_PORT = "dual-pod.llm-d.ai/admin-port"
PATCH = "dual-pod.llm-d.ai/server-patch"
DROPPED = (
    "volumes",
    "nodeSelector",
    "tolerations",
    "podAnnotations",
    "annotations",
    "resourceClaims",
    "podSecurityContext",
    "imagePullSecrets",
    "schedulerName",
    "priorityClassName",
    "extraConfig",
)
"""Keys of `decode` that the chart leaves out with dual pods."""
SCHEDULING = (
    "nodeSelector",
    "tolerations",
    "affinity",
    "schedulerName",
    "priorityClassName",
    "runtimeClassName",
    "securityContext",
    "imagePullSecrets",
    "topologySpreadConstraints",
)


def is_on(release: Release) -> bool:
    """Whether decode pods are dual pods."""
    return bool(
        release.get("requester", "enable")
        and release.get("decode", "create")
        and not release.get("multinode")
    )


def is_whole(release: Release) -> bool:
    """Whether the chart's patch leaves out nothing that the values ask for."""
    return not _left_out(release) and _gpus(release) == _charted_gpus(release)


def _left_out(release: Release) -> list[str]:
    found = [
        key for key in DROPPED if release.written("decode", key) and release.get("decode", key)
    ]
    if (release.get("decode", "acceleratorTypes") or {}).get("labelKey"):
        found.append("acceleratorTypes")
    return found


def facts(release: Release) -> RequesterFacts | None:
    if not is_on(release):
        return None
    given = release.get("requester")
    return RequesterFacts(
        image=str(given.get("image")),
        admin_port=int(given.get("adminPort") or 8081),
        probes_port=int((given.get("port") or {}).get("probes") or 8080),
        spi_port=int((given.get("port") or {}).get("spi") or 8081),
        gpus=_gpus(release),
    )


def _charted_gpus(release: Release) -> int:
    return int(release.get("requester", "resources", "limits", "gpus") or 0)


def _gpus(release: Release) -> int:
    """Accelerators the requester holds: the user's number, else what the engine needs."""
    if release.written("requester", "resources", "limits", "gpus"):
        return _charted_gpus(release)
    return sizes(release, "decode").accelerators


def replica_set(release: Release) -> dict[str, Any]:
    """The ReplicaSet of requesters."""
    metadata: dict[str, Any] = {"name": role_name(release, "decode")}
    if not is_whole(release) and release.get("decode", "annotations"):
        metadata["annotations"] = release.get("decode", "annotations")
    annotations = {
        ADMIN_PORT: written(release.get("requester", "adminPort") or 8081),
        PATCH: server_patch.text(release) if is_whole(release) else server_patch.whole(release),
    }
    template = {
        "metadata": {"labels": dict(SELECTOR), "annotations": annotations},
        "spec": _spec(release),
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": metadata,
        "spec": {
            "replicas": replicas(release, "decode"),
            "selector": {"matchLabels": dict(SELECTOR)},
            "template": template,
        },
    }


def _spec(release: Release) -> dict[str, Any]:
    spec: dict[str, Any] = {"containers": [_container(release)]}
    if is_whole(release):
        return spec
    decode = pod_spec(release, "decode")
    return {**spec, **{key: decode[key] for key in SCHEDULING if key in decode}}


def _container(release: Release) -> dict[str, Any]:
    known = facts(release)
    assert known
    probe = release.get("requester", "readinessProbe") or {}
    return {
        "name": "inference-server",
        "image": known.image,
        "imagePullPolicy": "Always",
        "command": ["/app/requester"],
        "env": [
            {"name": "PROBES_PORT", "value": str(known.probes_port)},
            {"name": "SPI_PORT", "value": str(known.spi_port)},
        ],
        "ports": [
            {"name": "probes", "containerPort": known.probes_port},
            {"name": "spi", "containerPort": known.spi_port},
        ],
        "readinessProbe": {
            "httpGet": {"path": "/ready", "port": known.probes_port},
            "initialDelaySeconds": probe.get("initialDelaySeconds") or 2,
            "periodSeconds": probe.get("periodSeconds") or 5,
        },
        "resources": {"limits": _limits(release)},
    }


def _limits(release: Release) -> dict[str, Any]:
    limits = release.get("requester", "resources", "limits") or {}
    name = "nvidia.com/gpu"
    if not is_whole(release):
        listed = release.get("decode", "containers") or [{}]
        engine = listed[engine_index(release, "decode")]
        name = accelerator_facts(release, "decode", engine).resource or name
    found = {name: _gpus(release), "cpu": limits.get("cpus"), "memory": limits.get("memory")}
    return {key: value for key, value in found.items() if value is not None}


def findings(release: Release) -> Iterator[Diagnostic]:
    """What dual pods leave out, and what they share with every other release."""
    if release.get("requester", "enable") and release.get("multinode"):
        yield warning(
            "I803",
            "`requester.enable` has no effect with `multinode`: decode pods are no dual pods",
            release.at("requester", "enable"),
            "leave one of the two out",
        )
    if not is_on(release):
        return
    span = release.key_at("requester")
    yield from _corrections(release)
    yield warning(
        "I815",
        "requester pods are selected by `app: dp-app` alone, as those of every release with dual "
        "pods are: two in one namespace take each other's pods; kept as it runs",
        span,
        "give each such release a namespace of its own",
    )


def _corrections(release: Release) -> Iterator[Diagnostic]:
    left_out = _left_out(release)
    if left_out:
        keys = ", ".join(f"`{key}`" for key in left_out)
        yield warning(
            "I810",
            f"with dual pods the chart leaves out {keys} of decode, the model volume, the "
            "ServiceAccount and the labels that the pool selects by: all are taken over, in the "
            "server patch and, for scheduling, in the requester's pod",
            release.at("decode", left_out[0]),
            "requester pods are replaced once when this is rolled out",
        )
    elif any(each.get("mountModelVolume") for each in release.get("decode", "containers") or []):
        yield warning(
            "I814",
            "with dual pods the chart leaves out the model volume that the engine mounts, the "
            "ServiceAccount and the labels that the pool selects by: kept as it runs",
            release.key_at("requester"),
            "give the serving pods these in the server patch of the Model",
        )
    if _gpus(release) != _charted_gpus(release):
        yield warning(
            "I810",
            f"the requester would hold {_charted_gpus(release)} accelerator where the engine "
            f"needs {_gpus(release)}: taken over with {_gpus(release)}",
            release.at("decode", "parallelism"),
            "set `requester.resources.limits.gpus` if another number is meant",
        )
