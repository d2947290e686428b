"""A role as a workload of KServe's LLMInferenceService.

In: a variant and a role's key. Out: a WorkloadSpec (kserve/kserve, pkg/apis/serving/v1alpha2).
"""

from __future__ import annotations

from modelmill import names
from modelmill.autoscaling import ACCELERATOR
from modelmill.containers import Manifest, given, int_or_string
from modelmill.groups import group_of
from modelmill.kserve.offloading import kv_cache_offloading
from modelmill.kserve.pods import pod
from modelmill.kserve.scaling import replicas
from modelmill.spec.engine import Parallelism
from modelmill.spec.role import Role
from modelmill.variant import Variant

RPC_PORT = 5555
"""`dataRPCPort`, where nothing is said."""


def workload(variant: Variant, key: str) -> Manifest:
    """The workload. A group's workers have a pod of their own, which takes nothing from the
    leader's."""
    role = variant.roles[key]
    has_worker = role.worker is not None
    return {
        **replicas(variant, key),
        **given(
            parallelism=_parallelism(role),
            labels=_labels(role),
            annotations=_annotations(role),
            template=pod(variant, key),
            worker=pod(variant.workers_of(key), key) if has_worker else None,
            kvCacheOffloading=kv_cache_offloading(variant, key),
            rolloutStrategy=_rollout(role),
        ),
    }


def _parallelism(role: Role) -> Manifest:
    """Sizes. Ranks in a pod go with the ranks of all: KServe wants both or neither."""
    sizes, group = role.parallelism or Parallelism(), group_of(role)
    has_data = sizes.data is not None or sizes.data_local is not None
    return given(
        tensor=sizes.tensor,
        pipeline=sizes.pipeline,
        data=group.data if has_data else None,
        dataLocal=group.ranks if has_data else None,
        dataRPCPort=sizes.rpc_port if sizes.rpc_port != RPC_PORT else None,
        expert=sizes.expert or None,
    )


def _labels(role: Role) -> dict[str, str]:
    """Labels of the pods. KServe reads there what its scaler is told of the accelerator."""
    found = {
        **(role.metadata.labels if role.metadata else {}),
        **(role.pod.labels if role.pod else {}),
    }
    scaling, accelerator = role.autoscaling, role.accelerator
    if scaling is not None and scaling.by == "wva" and accelerator is not None:
        found = {ACCELERATOR: names.label_value(accelerator.name), **found}
    return dict(sorted(found.items()))


def _annotations(role: Role) -> dict[str, str]:
    found = {
        **(role.metadata.annotations if role.metadata else {}),
        **(role.pod.annotations if role.pod else {}),
    }
    return dict(sorted(found.items()))


def _rollout(role: Role) -> Manifest | None:
    if role.strategy is None:
        return None
    return given(
        maxUnavailable=int_or_string(role.strategy.max_unavailable),
        maxSurge=int_or_string(role.strategy.max_surge),
    )
