"""The pods of a workload of KServe, as far as a Model says something of them.

In: a variant and a role's key, or what people wrote of a pod. Out: PodSpecs, which KServe lays over
its presets'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelmill import kv_cache
from modelmill.claims import claims_of, pod_entries
from modelmill.containers import (
    Manifest,
    env_list,
    extra_container,
    flag_words,
    given,
    keyed,
    over,
    resources,
)
from modelmill.containers import container_fields as fields_of
from modelmill.engines import ENGINES
from modelmill.kserve.engine import container
from modelmill.kserve.offloading import is_declared
from modelmill.kserve.storage import initializer
from modelmill.pod_specs import pod_fields, spread_constraints
from modelmill.pods import affinity
from modelmill.record import EMPTY
from modelmill.spec.pod import Pod
from modelmill.variant import Variant

SIDECAR = "llm-d-routing-sidecar"
PRESET_CONNECTOR = "nixlv2"
"""What the presets' routing sidecar speaks."""
BOOTSTRAP_FLAG = "mooncake-bootstrap-port"


def pod(variant: Variant, key: str) -> Manifest:
    """The PodSpec of a role; of its workers' where `variant` is theirs."""
    role = variant.roles[key]
    accelerator = role.accelerator
    # As KServe orders them when a configuration has one and the service the other.
    beside = [*initializer(variant), *sidecar(variant, key)]
    main = container(variant, key)
    # Workers must be there, whatever is said of them; else what is only named says nothing.
    has_main = variant.is_worker or len(main) > 1
    return pod_spec(
        role.pod,
        selector=variant.selector(key),
        containers=[main] if has_main else [],
        init_containers=beside,
        volumes=_volumes(variant, key),
        tolerations=accelerator.tolerations if accelerator else EMPTY,
        affinity=affinity(variant, key),
        claims=pod_entries(claims_of(variant, key, role)),
        account=variant.name if variant.spec.service_account is not None else None,
    )


def _volumes(variant: Variant, key: str) -> list[Manifest]:
    role = variant.roles[key]
    found = [] if is_declared(variant, key) else kv_cache.volumes(variant, key)
    if role.shared_memory is not None:
        memory = {"medium": "Memory", "sizeLimit": role.shared_memory}
        found.append({"name": "dshm", "emptyDir": memory})
    return found


def pod_spec(
    record: Pod | None,
    *,
    selector: Mapping[str, str],
    containers: Sequence[Manifest] = (),
    init_containers: Sequence[Manifest] = (),
    volumes: Sequence[Manifest] = (),
    tolerations: Mapping[str, Any] = EMPTY,
    affinity: Manifest | None = None,
    claims: Sequence[Manifest] = (),
    account: str | None = None,
) -> Manifest:
    """What people wrote of a pod, and what is given; nothing is recommended beside it."""
    own = record or Pod()
    inits = [extra_container(n, each, bare=True) for n, each in own.init_containers.items()]
    others = [extra_container(n, each, bare=True) for n, each in own.containers.items()]
    spec = given(
        serviceAccountName=own.service_account_name or account,
        automountServiceAccountToken=own.automount_service_account_token,
        securityContext=over({}, own.security_context),
        **pod_fields(record),
        affinity=over({}, own.affinity) if affinity is None else affinity,
        tolerations=keyed(over(tolerations, own.tolerations), "key"),
        topologySpreadConstraints=spread_constraints(record, selector),
        initContainers=[*init_containers, *inits],
        containers=[*containers, *others],
        volumes=[*keyed(own.volumes, "name"), *volumes],
        resourceClaims=list(claims),
    )
    return over(spec, own.fields)


def sidecar(variant: Variant, key: str) -> list[Manifest]:
    """What is said of the routing sidecar, over the presets'. Of a flag that stands twice the last
    one counts, and arguments come after the presets' command."""
    if not variant.has_sidecar(key) or variant.is_worker:
        return []
    written = variant.sidecar
    fields = fields_of(written.container, bare=True)
    flags = {**_connector(variant, key), **dict(sorted(written.flags.items()))}
    found = given(
        image=written.image,
        args=[str(word) for word in written.argv] or flag_words(flags),
        env=env_list(written.env),
        resources=resources(written.resources),
        **fields,
    )
    return [{"name": SIDECAR, **found}] if found else []


def _connector(variant: Variant, key: str) -> dict[str, Any]:
    """The connector, where it is another than the presets'."""
    role = variant.roles[key]
    if role.kv_transfer is None or role.engine is None:
        return {}
    connector = ENGINES[role.engine.type].SIDECAR_CONNECTORS[role.kv_transfer.connector]
    spelling = variant.versions.sidecar["connectorFlag"]
    return {} if connector == PRESET_CONNECTOR else {spelling: connector}
