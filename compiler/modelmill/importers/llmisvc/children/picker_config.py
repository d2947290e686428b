"""The EndpointPickerConfig of a service: KServe's own, or a user's brought up to the release.

In: a service. Out: the configuration as data, None where it stands in a ConfigMap
(pkg/controller/v1alpha2/llmisvc/scheduler.go). Migrations go by the picker's release, which the pod
template's annotation app.kubernetes.io/version tells.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

from modelmill.importers.llmisvc.children.frame import Manifest, Service

API = "llm-d.ai/v1alpha1"
VERSION = "app.kubernetes.io/version"
LORA = "lora-affinity-scorer"
_TOKENS = 4
"""Letters of a token, by which an old threshold in letters becomes one in tokens."""


def picker_config(service: Service) -> Manifest | None:
    scheduler = service.scheduler or {}
    config = scheduler.get("config") or {}
    if config.get("ref") is not None:
        return None
    written = config.get("inline")
    if written is None:
        return with_lora(default(service), service)
    found = dict(written)
    version = _version(str((scheduler.get("annotations") or {}).get(VERSION, "")))
    for since, migrate in _MIGRATIONS:
        if version >= since:
            found = migrate(found, service)
    return found


def default(service: Service) -> Manifest:
    if service.spec.get("prefill") is None:
        types = [
            "single-profile-handler",
            "queue-scorer",
            "kv-cache-utilization-scorer",
            "prefix-cache-scorer",
            "no-hit-lru-scorer",
            "max-score-picker",
        ]
        weights = [("queue-scorer", 2), ("kv-cache-utilization-scorer", 2),
                   ("prefix-cache-scorer", 3), ("no-hit-lru-scorer", 2)]  # fmt: skip
        profiles = [_profile("default", [], weights)]
        return _config([{"type": each} for each in types], profiles)
    types = [
        "disagg-headers-handler",
        "prefill-filter",
        "decode-filter",
        "queue-scorer",
        "kv-cache-utilization-scorer",
        "active-request-scorer",
        "prefix-cache-scorer",
        "max-score-picker",
        "always-disagg-pd-decider",
    ]
    handler = {
        "type": "disagg-profile-handler",
        "parameters": {"deciders": {"prefill": "always-disagg-pd-decider"}},
    }
    prefill = [("prefix-cache-scorer", 3), ("queue-scorer", 2), ("kv-cache-utilization-scorer", 2)]
    decode = [("active-request-scorer", 2), ("prefix-cache-scorer", 3)]
    return _config(
        [*({"type": each} for each in types), handler],
        [
            _profile("prefill", ["prefill-filter"], prefill),
            _profile("decode", ["decode-filter"], decode),
        ],
    )


def _config(plugins: list[Manifest], profiles: list[Manifest]) -> Manifest:
    return {
        "apiVersion": API,
        "kind": "EndpointPickerConfig",
        "plugins": plugins,
        "schedulingProfiles": profiles,
    }


def _profile(name: str, filters: list[str], weights: list[tuple[str, int]]) -> Manifest:
    return {
        "name": name,
        "plugins": [
            *({"pluginRef": each} for each in filters),
            *({"pluginRef": each, "weight": weight} for each, weight in weights),
            {"pluginRef": "max-score-picker"},
        ],
    }


def with_lora(config: Manifest, service: Service) -> Manifest:
    """A pod that has the adapter in memory comes first, where there are adapters."""
    if not service.adapters:
        return config
    entry = {"pluginRef": LORA, "weight": 4}
    profiles = []
    for profile in config["schedulingProfiles"]:
        plugins = profile["plugins"]
        at = next(n for n, each in enumerate(plugins) if "weight" in each)
        profiles.append({**profile, "plugins": [*plugins[:at], entry, *plugins[at:]]})
    return {
        **config,
        "plugins": [*config["plugins"], {"type": LORA}],
        "schedulingProfiles": profiles,
    }


def _version(text: str) -> tuple[int, ...]:
    numbers = tuple(int(each) for each in re.findall(r"[0-9]+", text)[:2])
    return numbers or (99, 0)


def _plugins(config: Manifest) -> list[Manifest]:
    return [dict(each) for each in config.get("plugins") or []]


def _renamed(config: Manifest, old: str, new: str) -> Manifest:
    plugins = [
        {**each, "type": new} if each.get("type") == old else each for each in _plugins(config)
    ]
    named = any(each.get("name") == old for each in plugins)
    return {**_refs(config, {} if named else {old: new}), "plugins": plugins}


def _refs(config: Manifest, renamed: Mapping[str, str]) -> Manifest:
    profiles = [
        {
            **profile,
            "plugins": [
                {**each, "pluginRef": renamed.get(each["pluginRef"], each["pluginRef"])}
                for each in profile.get("plugins") or []
            ],
        }
        for profile in config.get("schedulingProfiles") or []
    ]
    return {**config, **({"schedulingProfiles": profiles} if profiles else {})}


def _to_0_7(config: Manifest, _: Service) -> Manifest:
    config = _renamed(config, "prefill-header-handler", "disagg-headers-handler")
    plugins: list[Manifest] = []
    for each in _plugins(config):
        parameters = dict(each.get("parameters") or {})
        if each.get("type") == "pd-profile-handler":
            decider, each = _decided(each, parameters)
            plugins.append(decider)
        elif "hashBlockSize" in parameters:
            del parameters["hashBlockSize"]
            each = _with(each, parameters)
        plugins.append(each)
    return _refs({**config, "plugins": plugins}, {"pd-profile-handler": "disagg-profile-handler"})


def _decided(handler: Manifest, parameters: Manifest) -> tuple[Manifest, Manifest]:
    """The handler of prefill and decode of today, and what decides for it."""
    threshold = parameters.pop("threshold", 0)
    parameters.pop("hashBlockSize", None)
    decider: Manifest = {"type": "always-disagg-pd-decider"}
    if threshold:
        tokens = {"nonCachedTokens": math.ceil(threshold / _TOKENS)}
        decider = {"type": "prefix-based-pd-decider", "parameters": tokens}
    parameters["deciders"] = {"prefill": decider["type"]}
    return decider, {**handler, "type": "disagg-profile-handler", "parameters": parameters}


def _with(plugin: Manifest, parameters: Manifest) -> Manifest:
    rest = {key: value for key, value in plugin.items() if key != "parameters"}
    return {**rest, **({"parameters": parameters} if parameters else {})}


def _to_0_8(config: Manifest, _: Service) -> Manifest:
    return _renamed(config, "model-server-protocol-metrics", "core-metrics-extractor")


def _to_0_9(config: Manifest, service: Service) -> Manifest:
    plugins: list[Manifest] = []
    renamed: dict[str, str] = {}
    for each in _plugins(config):
        kind, parameters = each.get("type"), dict(each.get("parameters") or {})
        if kind == "precise-prefix-cache-scorer":
            plugins += _precise(service, parameters)
            renamed[each.get("name") or str(kind)] = "prefix-cache-scorer"
            continue
        if kind == "prefix-cache-scorer":
            kept = {k: v for k, v in parameters.items() if k == "prefixMatchInfoProducerName"}
            each = _with(each, kept)
        elif kind == "token-producer":
            each = _with(each, {**tokens_of(service), **parameters})
        plugins.append(each)
    return {**_refs({**config, "plugins": plugins}, renamed), "apiVersion": API}


def _precise(service: Service, parameters: Manifest) -> list[Manifest]:
    return [
        {"type": "token-producer", "parameters": tokens_of(service)},
        _with({"type": "precise-prefix-cache-producer"}, parameters),
        {
            "type": "prefix-cache-scorer",
            "parameters": {"prefixMatchInfoProducerName": "precise-prefix-cache-producer"},
        },
    ]


def tokens_of(service: Service) -> Manifest:
    scheme = "https" if service.platform.tls else "http"
    host = (
        f"{service.child('-tokenizer')}.{service.namespace}.svc.{service.platform.cluster_domain}"
    )
    return {"modelName": "/mnt/models/base", "vllm": {"url": f"{scheme}://{host}:8000"}}


_MIGRATIONS: tuple[tuple[tuple[int, int], Callable[[Manifest, Service], Manifest]], ...] = (
    ((0, 7), _to_0_7),
    ((0, 8), _to_0_8),
    ((0, 9), _to_0_9),
)
