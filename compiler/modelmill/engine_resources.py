"""What the engine's container of a role asks for: accelerators, disk, and what people say.

In: a variant, a role's key, and what its engine must know to start. Out: ResourceRequirements, and
parts of them that others count with.
"""

from __future__ import annotations

from collections.abc import Collection

from modelmill import kv_cache, model_volume
from modelmill.claims import claims_of, container_entries, has_claimed_accelerators
from modelmill.containers import Manifest, given, resources
from modelmill.engines import EngineModule, Launch
from modelmill.model_cache import weights_of
from modelmill.quantities import total
from modelmill.spec.role import Role
from modelmill.variant import Variant

SIDES = ("requests", "limits")


def resources_of(variant: Variant, key: str, launch: Launch, module: EngineModule) -> Manifest:
    """ResourceRequirements of the container."""
    role = variant.roles[key]
    used = container_entries(claims_of(variant, key, role), role.resources)
    asked = resources(role.resources, _added(variant, key, role))
    if role.dual_pods is not None:
        asked = _without(asked, accelerator_request(variant, key))
    found = {**asked, **given(claims=used)}
    if not variant.is_bare(key):
        disk = given(**{"ephemeral-storage": _scratch(variant, key, launch, module)})
        asked = dict(sorted({**disk, **found.get("requests", {})}.items()))
        found |= given(requests=asked)
    return found


def _scratch(variant: Variant, key: str, launch: Launch, module: EngineModule) -> str | None:
    """What the pod takes of its node's disk, for weights and for KV cache."""
    model, taken = variant.spec.model, kv_cache.scratch(variant, key)
    if has_weights(variant, module):
        taken = [*model_volume.scratch(model, launch.weights).values(), *taken]
    return total(taken) if taken else None


def _added(variant: Variant, key: str, role: Role) -> dict[str, str]:
    """Accelerators that follow from the role. What runs keeps them on the one side they are on."""
    computed = accelerator_request(variant, key)
    own = role.resources
    if own is None or not variant.is_bare(key):
        return computed
    return {k: n for k, n in computed.items() if k not in own.limits and k not in own.requests}


def _without(asked: Manifest, names: Collection[str]) -> Manifest:
    """What is left where a requester holds the accelerators."""
    left = {
        side: {k: v for k, v in asked.get(side, {}).items() if k not in names} for side in SIDES
    }
    return given(**left)


def held_accelerators(variant: Variant, key: str) -> dict[str, str]:
    """The extended resource that one replica of the role takes, as `accelerator_request`, a number
    that is written before the computed one."""
    asked = resources(variant.roles[key].resources, accelerator_request(variant, key))
    return {name: asked["limits"][name] for name in accelerator_request(variant, key)}


def has_weights(variant: Variant, module: EngineModule) -> bool:
    """Whether the engine's container has the weights' volume."""
    return module.NEEDS_WEIGHTS and variant.spec.model.mounted and not weights_of(variant).url


def accelerator_request(variant: Variant, key: str) -> dict[str, str]:
    """The extended resource one pod asks for, by name; nothing on a CPU, or where it is claimed."""
    role = variant.roles[key]
    accelerator = role.accelerator
    if accelerator is None or accelerator.resource is None or has_claimed_accelerators(role):
        return {}
    return {accelerator.resource: str(variant.gpus(key))}
