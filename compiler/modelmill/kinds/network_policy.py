"""NetworkPolicies of a model's pods, one for each of its parts, with `networkPolicy`.

Who talks to whom follows from the model: gateway to picker and engines, picker to engines, engines
to each other, those that download to where from. All else is refused. Engines of a model may reach
each other on any port: KV transfers and collectives choose theirs as they run (UCX, NCCL). RDMA and
pods on their node's network are past any policy; so are a kubelet's probes.

Their sync wave is before that of the downloads: where a namespace lets nothing through by default,
one would wait for its policy, and the policy for it.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import adapters, kv_cache, model_cache, names, tokenizer
from modelmill import destinations as ends
from modelmill.containers import Manifest, given
from modelmill.groups import group_of, ports_of
from modelmill.model_uri import OBJECT_STORES, parse_uri
from modelmill.names import child_name
from modelmill.pods import pod_template
from modelmill.resource import Resource, resource
from modelmill.spec.network_policy import NetworkPolicy
from modelmill.spec.role import Role
from modelmill.variant import Variant

API = "networking.k8s.io/v1"
PICKER = "epp"
EXT_PROC_PORT = 9002
METRICS_PORT = 9090
# The Service's and, behind it, the usual one of API servers.
API_SERVER_PORTS = (443, 6443)


def emit(variant: Variant) -> Iterable[Resource]:
    policy = variant.spec.network_policy
    if policy is None:
        return
    for key, role in variant.roles.items():
        if role.engine is not None:
            yield _engines(variant, policy, key, role)
    if variant.scheduler is not None:
        yield _picker(variant, policy)
    if _has_tokenizer_pods(variant):
        yield _tokenizer(variant, policy)
    cache = model_cache.cache_of(variant)
    if cache is not None and (cache.node is not None or model_cache.is_filled(variant)):
        yield _download(variant, policy)


def _engines(variant: Variant, policy: NetworkPolicy, key: str, role: Role) -> Resource:
    assert role.engine is not None
    served = [variant.routing.port + rank for rank in range(ports_of(role))]
    watched = [*served, *_event_ports(variant, key)]
    senders = [*ends.gateway(variant, policy), *ends.peers(policy.clients)]
    own = _own(variant)
    env = {**variant.sidecar.env, **role.engine.env}
    return _policy(
        variant,
        key,
        variant.workload_name(key),
        variant.pods_of(key),
        ingress=[
            *_from(senders if variant.role_type(key) != "prefill" else [], served),
            {"from": own},
            *_from([_picker_pods(variant)] if variant.scheduler is not None else [], watched),
            *_from(ends.peers(policy.monitoring), [*served, *_metrics_ports(variant, key)]),
        ],
        egress=[
            {"to": own},
            *([_api_server()] if _has_token(variant, key) else []),
            *_to([*_sources(variant, key), *_collector(variant), *ends.addresses(env)]),
            *_to(_store(variant, key)),
            *_written(policy),
        ],
    )


def _picker(variant: Variant, policy: NetworkPolicy) -> Resource:
    scheduler = variant.scheduler
    assert scheduler is not None
    watched = [
        variant.routing.port + rank
        for role in variant.roles.values()
        for rank in range(ports_of(role))
    ]
    heard = [port for key in variant.roles for port in _event_ports(variant, key)]
    env, beside = dict(scheduler.env), tokenizer.is_beside(variant)
    if beside and scheduler.tokenizer is not None:
        env |= scheduler.tokenizer.env
    return _policy(
        variant,
        PICKER,
        variant.picker_name,
        {"matchLabels": variant.component_labels(PICKER)},
        ingress=[
            *_from(ends.gateway(variant, policy), [EXT_PROC_PORT]),
            *_from([_picker_pods(variant)] if _is_synced(variant) else [], []),
            *_from(ends.peers(policy.monitoring), [METRICS_PORT]),
        ],
        egress=[
            _api_server(),
            {"to": _own(variant), "ports": ends.ports([*watched, *heard])},
            *_tokenizer_service(variant),
            *([{"to": [_picker_pods(variant)]}] if _is_synced(variant) else []),
            *_to([*(_hub(variant) if beside else []), *_collector(variant), *ends.addresses(env)]),
            *_written(policy),
        ],
    )


def _tokenizer(variant: Variant, policy: NetworkPolicy) -> Resource:
    found = tokenizer.tokenizer_of(variant)
    assert found is not None
    return _policy(
        variant,
        tokenizer.COMPONENT,
        tokenizer.name(variant),
        {"matchLabels": variant.component_labels(tokenizer.COMPONENT)},
        ingress=_from([_picker_pods(variant)], [tokenizer.port(variant)]),
        egress=[*_to([*_hub(variant), *ends.addresses(found.env)]), *_written(policy)],
    )


def _download(variant: Variant, policy: NetworkPolicy) -> Resource:
    """What fills a cache. Nobody has to reach it; what holds an image asks nobody."""
    component = model_cache.COMPONENT
    env = model_cache.download_of(variant).env
    sources = _all_sources(variant) if model_cache.is_filled(variant) else []
    return _policy(
        variant,
        component,
        child_name(variant.name, component),
        {"matchLabels": names.selector(variant.name, component)},
        ingress=[],
        egress=[*_to([*sources, *ends.addresses(env)]), *_written(policy)],
    )


def _policy(
    variant: Variant,
    component: str,
    name: str,
    selector: Manifest,
    *,
    ingress: list[Manifest],
    egress: list[Manifest],
) -> Resource:
    """A policy for one part's pods. They may always ask the cluster's DNS."""
    return resource(
        API,
        "NetworkPolicy",
        name,
        labels=names.labels(variant.name, component, variant.labels),
        spec={
            "podSelector": selector,
            **given(ingress=ingress, egress=[ends.dns(), *egress]),
            "policyTypes": ["Ingress", "Egress"],
        },
    )


def _from(peers: list[Manifest], numbers: list[int]) -> list[Manifest]:
    """An ingress rule, or none: without peers it would let anybody in."""
    return [{"from": peers, **given(ports=ends.ports(numbers))}] if peers else []


def _to(urls: Iterable[str]) -> list[Manifest]:
    """Egress rules for URLs; several may lead to the same place."""
    found: list[Manifest] = []
    for url in dict.fromkeys(urls):
        rule = ends.at(url)
        if rule not in found:
            found.append(rule)
    return found


def _written(policy: NetworkPolicy) -> list[Manifest]:
    return [ends.egress(each) for _, each in sorted(policy.egress.items())]


def _own(variant: Variant) -> list[Manifest]:
    """The engines' pods of every role, those of a group's workers included."""
    return [{"podSelector": variant.pods_of(key)} for key in variant.roles]


def _picker_pods(variant: Variant) -> Manifest:
    return ends.pods(variant.component_labels(PICKER))


def _tokenizer_service(variant: Variant) -> list[Manifest]:
    if not _has_tokenizer_pods(variant):
        return []
    pods = ends.pods(variant.component_labels(tokenizer.COMPONENT))
    return [{"to": [pods], "ports": ends.ports([tokenizer.port(variant)])}]


def _has_tokenizer_pods(variant: Variant) -> bool:
    return tokenizer.tokenizer_of(variant) is not None and not tokenizer.is_beside(variant)


def _is_synced(variant: Variant) -> bool:
    """Whether pickers tell each other what they know."""
    config = variant.scheduler.config if variant.scheduler is not None else None
    layer = config.data_layer if config is not None else None
    return layer is not None and layer.cross_replica_syncer_plugin_ref is not None


def _event_ports(variant: Variant, key: str) -> list[int]:
    """Ports at which a picker hears of KV cache, one for each rank of a pod."""
    heard = kv_cache.events(variant, key)
    first = [heard.port, heard.replay_port] if heard is not None else []
    ranks = group_of(variant.roles[key]).ranks
    return [port + rank for port in first for rank in range(ranks)]


def _metrics_ports(variant: Variant, key: str) -> list[int]:
    """The engine's own ports, behind a sidecar too, and the one that a monitor names."""
    role = variant.roles[key]
    own = [variant.engine_port(key) + rank for rank in range(ports_of(role))]
    wanted = role.pod_monitor.port if role.pod_monitor is not None else None
    spec = pod_template(variant, key)["spec"]
    containers = [*spec["containers"], *spec.get("initContainers", [])]
    named = [
        port["containerPort"]
        for container in containers
        for port in container.get("ports", [])
        if wanted is not None and port.get("name") == wanted
    ]
    return [*own, *named]


def _has_token(variant: Variant, key: str) -> bool:
    """Whether the role's pods get a token for the Kubernetes API."""
    if variant.kserve is not None:
        return variant.has_sidecar(key)
    return bool(pod_template(variant, key)["spec"].get("automountServiceAccountToken", True))


def _api_server() -> Manifest:
    """The Kubernetes API, which has no pods and no address known here."""
    return {"ports": ends.ports(API_SERVER_PORTS)}


def _collector(variant: Variant) -> list[str]:
    return [variant.spec.tracing.endpoint] if variant.spec.tracing is not None else []


def _store(variant: Variant, key: str) -> list[str]:
    """The services of a Mooncake store."""
    kept = kv_cache.offloading(variant, key)
    store = kept.mooncake if kept is not None else None
    if store is None:
        return []
    metadata = [store.metadata_server] if "://" in store.metadata_server else []
    return [store.master_server_address, *metadata]


def _sources(variant: Variant, key: str) -> list[str]:
    """Where the role's pods fetch weights and adapters from that no cache holds."""
    if key not in model_cache.readers(variant):
        return []
    weights = [] if model_cache.is_filled(variant) else [variant.spec.model.uri]
    fetched = [
        each.adapter.uri
        for each in adapters.placed(variant, key)
        if each.is_downloaded or each.path == each.source.argument
    ]
    return _addresses(variant, [*weights, *fetched])


def _all_sources(variant: Variant) -> list[str]:
    model = variant.spec.model
    return _addresses(variant, [model.uri, *(each.uri for each in model.adapters.values())])


def _hub(variant: Variant) -> list[str]:
    """Where a tokenizer's files are from."""
    return _addresses(variant, [variant.spec.model.uri])


def _addresses(variant: Variant, uris: Iterable[str]) -> list[str]:
    """Addresses that are asked for what stands at each URI."""
    schemes = {parse_uri(uri, "").scheme for uri in uris}
    stores = [variant.spec.model.endpoint or ends.HUB] if schemes & {*OBJECT_STORES} else []
    return [*([ends.HUB] if "hf" in schemes else []), *stores]
