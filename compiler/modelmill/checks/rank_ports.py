"""C531–C533: who spreads requests over data parallel ranks, and that ports have one use each."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.diagnostics import Diagnostic, Note, error, warning
from modelmill.engines import ENGINES
from modelmill.groups import group_of, load_balancing, ports_of
from modelmill.pod_ports import REQUESTS, SIDECAR, TRANSFERS, first_shared, used_ports
from modelmill.spec.role import Role
from modelmill.variant import Variant

READS = (
    "accelerator defaults engine.argv engine.type kv_transfer parallelism routing.port "
    "routing.scheduler.config routing.sidecar type worker"
)
# targetPorts of an InferencePool (inference.networking.k8s.io/v1).
POOL_PORTS = 8


def check(variant: Variant) -> Iterable[Diagnostic]:
    for key, role in variant.roles.items():
        yield from _can_spread(variant, key, role)
        yield from _fits_pool(variant, key, role)
    yield from _one_use(variant)
    yield from _agree(variant)


def _can_spread(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    balancing, engine = load_balancing(role), role.engine
    if engine is None:
        return
    if balancing not in ENGINES[engine.type].LOAD_BALANCING:
        yield error(
            "C531",
            f"`{key}` asks for {balancing} load balancing, which {engine.type} does not have",
            variant.span_of(*_balancing(key)),
            "leave it out: the engine spreads requests over its ranks itself",
        )
    elif balancing != "internal" and group_of(role).nodes > 1:
        yield error(
            "C531",
            f"a rank of `{key}` takes {group_of(role).nodes} pods, of which one takes its "
            f"requests: {balancing} load balancing has nothing to choose by",
            variant.span_of(*_balancing(key)),
            "leave it out, or let pods hold whole ranks",
        )


def _fits_pool(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    ports = ports_of(role)
    if ports > POOL_PORTS:
        yield error(
            "C532",
            f"a pod of `{key}` has {ports} ranks with a port each, and an InferencePool takes "
            f"{POOL_PORTS}",
            variant.span_of(*_balancing(key)),
            "have fewer ranks in a pod, or let it spread requests itself: `loadBalancing: hybrid`",
        )
    elif ports > 1 and variant.scheduler is None and not variant.is_bare(key):
        yield warning(
            "C532",
            f"each rank of `{key}` has a port, and there is no endpoint picker to choose one",
            variant.span_of(*_balancing(key)),
            "extend a routing profile, or let pods spread requests themselves: "
            "`loadBalancing: hybrid`",
        )


def _balancing(key: str) -> tuple[str, ...]:
    return ("roles", key, "parallelism", "loadBalancing")


def _one_use(variant: Variant) -> Iterable[Diagnostic]:
    """What listens on a port that is taken ends. Arguments word for word may say other ports; what
    is wrong in one role is said of that alone."""
    for key, role in variant.roles.items():
        if variant.is_bare(key) or (role.engine is not None and role.engine.argv is not None):
            continue
        known: dict[str, range] = {}
        for use, ports in used_ports(variant, key).items():
            shared = first_shared(ports, known)
            if shared is not None:
                yield _taken(variant, key, use, *shared)
                return
            known[use] = ports


def _taken(variant: Variant, key: str, use: str, first: str, port: int) -> Diagnostic:
    """`first` was there before `use` on the port."""
    ports, is_proxied = ports_of(variant.roles[key]), variant.has_sidecar(key)
    place: tuple[str, ...] = ("routing", "port")
    behind = ("routing", "sidecar", "modelServerPort")
    if first == TRANSFERS:
        place = ("roles", key, "parallelism", "rpcPort")
    elif first == REQUESTS and is_proxied and variant.tree.get(*behind) is not None:
        place = behind
    message = f"the port {port} of `{key}` is {first}, and {use}"
    hint = f"set `{'.'.join(place[-2:])}` to another one"
    if ports > 1 and (first, use) == (REQUESTS, SIDECAR):
        message = f"the sidecar of `{key}` listens on {ports} ports from {variant.routing.port}, "
        message += f"and the engine behind it on as many from {variant.sidecar.model_server_port}"
        hint = "leave room between them, and one more port for what tells that all ranks are ready"
    return error("C532", message, variant.span_of(*place), hint)


def _agree(variant: Variant) -> Iterable[Diagnostic]:
    """Every pod of a pool is asked on every port of it."""
    counts = {key: ports_of(role) for key, role in variant.roles.items()}
    if variant.scheduler is None or len(set(counts.values())) < 2:
        return
    first, other = next((a, b) for a in counts for b in counts if counts[a] < counts[b])
    yield error(
        "C533",
        f"pods of `{other}` take requests on {counts[other]} ports, those of `{first}` on "
        f"{counts[first]}, and their pool has the same ports for all",
        variant.span_of("roles", other, "parallelism"),
        "give roles of one model the same `dataLocal` and `loadBalancing`",
        [Note(f"`{first}` is here", variant.key_span_of("roles", first))],
    )
