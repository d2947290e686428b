"""An endpoint picker's configuration as the fields of `routing.scheduler`.

In: `router.scheduler` of an LLMInferenceService. Out: a tree, and what has no field; None where its
configuration cannot be said by plugins, profiles and queues. The counterpart of `picker_config`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelmill.importers.llmisvc_engine import MAIN, scalar
from modelmill.importers.llmisvc_roles import Part
from modelmill.importers.pod_fields import Tree, engine_trees, pod_tree, said, texts
from modelmill.record import Record
from modelmill.spec.picker import DataLayer, FlowControl, PriorityBand

KINDS = ("apiVersion", "kind")
_CHOICES = ("saturationDetector", "discovery", "peerDiscovery")
_BANDS = ("defaultPriorityBand", "defaultNegativePriorityBand")
_QUEUES = (
    *(k for k in FlowControl._declared if not k.endswith("Ttl")),
    *("defaultRequestTTL", "noEndpointRequestTTL"),
)
_SPELT = {"defaultRequestTTL": "defaultRequestTtl", "noEndpointRequestTTL": "noEndpointRequestTtl"}


class _Strange(Exception):
    """What the fields of a picker do not say."""


def scheduler_of(scheduler: Mapping[str, Any], name: str) -> Part | None:
    """`name`: what the configuration is called."""
    inline = (scheduler.get("config") or {}).get("inline")
    if inline is None or set(scheduler["config"]) != {"inline"}:
        return None
    try:
        tree: Tree = {"config": {"name": name, **_config(inline)}}
        pods = _pods(scheduler.get("template"))
    except _Strange:
        return None
    noted = {key: texts(scheduler.get(key) or {}) for key in ("labels", "annotations")}
    tree |= said({"replicas": scheduler.get("replicas"), **pods, "metadata": said(noted)})
    rest = {key: scheduler[key] for key in ("pool", "tokenizer") if key in scheduler}
    return Part(tree, rest)


def _pods(template: Mapping[str, Any] | None) -> Tree:
    containers = (template or {}).get("containers") or []
    main: Mapping[str, Any] = next((e for e in containers if e.get("name") == MAIN), {})
    beside = [each for each in containers if each is not main]
    inits = (template or {}).get("initContainers") or []
    if not all(each.get("image") for each in (*beside, *inits)):
        raise _Strange
    role, engine = engine_trees({"name": MAIN, **main})
    if engine.get("command") or role.get("probes"):
        raise _Strange
    fields = {key: each for key, each in role.get("container", {}).items() if key != "name"}
    return said(
        {
            "image": engine.get("image"),
            "resources": role.get("resources"),
            "flags": _flags(engine.get("argv") or []),
            "env": engine.get("env"),
            "pod": pod_tree(template or {}, beside),
            "container": fields,
        }
    )


def _flags(words: Sequence[Any]) -> Tree:
    """Flags by name, each a word of its own."""
    flags: Tree = {}
    for word in map(str, words):
        name, has_value, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or name in flags or " " in name:
            raise _Strange
        flags[name] = scalar(value) if has_value else True
        if isinstance(flags[name], dict):
            raise _Strange
    return flags


def _config(inline: Mapping[str, Any]) -> Tree:
    known = {*KINDS, "plugins", "schedulingProfiles", "featureGates", "dataLayer", "flowControl"}
    if set(inline) - {*known, "requestHandler"}:
        raise _Strange
    profiles = _by_name(inline.get("schedulingProfiles"), "name")
    handler = _only(inline.get("requestHandler"), "parsers")
    return said(
        {
            "plugins": _plugins(_list(inline.get("plugins"))),
            "schedulingProfiles": {
                name: {"plugins": _by_name(_only(each, "plugins").get("plugins"), "pluginRef")}
                for name, each in profiles.items()
            },
            "featureGates": dict(map(_gate, _list(inline.get("featureGates")))),
            "dataLayer": _data_layer(_only(inline.get("dataLayer"), *DataLayer._declared)),
            "flowControl": _flow_control(_only(inline.get("flowControl"), *_QUEUES)),
            "requestHandler": said({"parsers": _by_name(handler.get("parsers"), "pluginRef")}),
        }
    )


def _gate(text: Any) -> tuple[str, bool]:
    name, _, value = str(text).partition("=")
    if value not in ("", "true", "false"):
        raise _Strange
    return name, value != "false"


def _plugins(plugins: Sequence[Any]) -> Tree:
    found: Tree = {}
    for each in plugins:
        each = _only(each, "name", "type", "parameters")
        name = each.get("name") or each.get("type")
        if not isinstance(name, str) or not name or name in found:
            raise _Strange
        kind = each.get("type") if each.get("type") != name else None
        found[name] = said({"type": kind, "parameters": each.get("parameters")})
    return found


def _data_layer(layer: Mapping[str, Any]) -> Tree:
    sources = {
        name: said(
            {"extractors": _by_name(_only(each, "extractors").get("extractors"), "pluginRef")}
        )
        for name, each in _by_name(layer.get("sources"), "pluginRef").items()
    }
    rest = {key: value for key, value in layer.items() if key != "sources"}
    return said({**_fields(rest, DataLayer), "sources": sources})


def _flow_control(queues: Mapping[str, Any]) -> Tree:
    bands = {
        str(priority): _fields(each, PriorityBand)
        for priority, each in _by_name(queues.get("priorityBands"), "priority").items()
    }
    rest = {_SPELT.get(key, key): value for key, value in queues.items() if key != "priorityBands"}
    return said({**_fields(rest, FlowControl), "priorityBands": bands})


def _fields(entries: Mapping[str, Any], kind: type[Record]) -> Tree:
    if set(entries) - set(kind._declared):
        raise _Strange
    for key in (*_CHOICES, *_BANDS):
        if key in entries:
            _only(entries[key], *(("pluginRef",) if key in _CHOICES else PriorityBand._declared))
    return dict(entries)


def _only(entries: Any, *keys: str) -> Mapping[str, Any]:
    """The mapping, if it has no other keys."""
    found = entries or {}
    if not isinstance(found, Mapping) or set(found) - set(keys):
        raise _Strange
    return found


def _list(entries: Any) -> Sequence[Any]:
    if entries is not None and not isinstance(entries, list):
        raise _Strange
    return entries or []


def _by_name(entries: Any, key: str) -> dict[Any, Tree]:
    """The entries of a list by what they are called, each once."""
    found: dict[Any, Tree] = {}
    for each in _list(entries):
        name = each.get(key) if isinstance(each, Mapping) else None
        if not isinstance(name, str | int) or name in found:
            raise _Strange
        found[each[key]] = {name: value for name, value in each.items() if name != key}
    return found
