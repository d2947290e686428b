"""A Model that needs none of KServe's presets: one that compiles to plain objects too.

In: the Model of a service, and the service composed with KServe's presets. Out: the same Model with
what the presets mean said in its own fields, and what no field of it can say. What modelmill
derives by itself (probes, paths, volumes, ports, the routing sidecar) is left to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelmill.catalogues import engine_catalogue
from modelmill.importers.llmisvc.children.frame import POD_ANNOTATIONS, POD_LABELS, Service
from modelmill.importers.llmisvc.children.picker_config import picker_config
from modelmill.importers.llmisvc.composing import Composed
from modelmill.importers.llmisvc.platform import Platform
from modelmill.importers.llmisvc_engine import MAIN, SHARED_MEMORY, every_flag
from modelmill.importers.llmisvc_model import PREFILL
from modelmill.importers.llmisvc_picker import scheduler_of
from modelmill.importers.pod_fields import Tree, said, texts
from modelmill.jsontext import read_json
from modelmill.tuples import NamedTuple

ADDITIONAL = "VLLM_ADDITIONAL_ARGS"
"""The variable whose words the start script of KServe's presets adds to the engine's."""
SCRIPTED = {
    "KSERVE_INFER_ROCE": "finding RDMA devices",
    "KSERVE_INFER_IB_GID_INDEX_GREP": "finding RDMA devices",
    "DP_ADDRESS_RESOLVE_ATTEMPTS": "waiting for a group's leader",
    "VLLM_API_SERVER_COUNT": "the number of API servers",
}
"""Variables that only that script reads, and what it does by them."""
MAKERS = {
    "nvidia.com/gpu": "nvidia",
    "amd.com/gpu": "amd",
    "habana.ai/gaudi": "intel-gaudi",
    "google.com/tpu": "google",
}
_PASSED = ("served-model-name", "port", "host", "model")
_SIZES = {
    "tensor-parallel-size": "tensor",
    "pipeline-parallel-size": "pipeline",
    "enable-expert-parallel": "expert",
}
_ROLES = ("kv_consumer", "kv_producer", "kv_both")


class Whole(NamedTuple):
    """A Model's spec, and what is lost, in people's words."""

    spec: Tree
    lost: tuple[str, ...]


def whole_of(
    spec: Tree, composed: Composed, metadata: Mapping[str, Any], platform: Platform
) -> Whole:
    """`spec`: the Model that relies on the presets."""
    lost: list[str] = []
    roles = {}
    for key, role in spec["roles"].items():
        part = (composed.spec.get(PREFILL) or {}) if key == PREFILL else composed.spec
        roles[key] = _noted(_role(key, role, part, lost), metadata)
    service = Service(metadata, composed.spec, platform)
    found = {**spec, "roles": roles, "routing": _routing(spec, composed.spec, service, lost)}
    tracing = composed.spec.get("tracing")
    if tracing is not None:
        found["tracing"] = said(
            {
                "endpoint": tracing.get("exporterEndpoint"),
                "sampler": tracing.get("sampler"),
                "samplerArgument": tracing.get("samplerArg"),
            }
        )
    lost += _unsaid((spec.get("kserve") or {}).get("fields") or {})
    found.pop("kserve", None)
    return Whole({key: each for key, each in found.items() if each}, tuple(lost))


def _role(key: str, role: Tree, part: Mapping[str, Any], lost: list[str]) -> Tree:
    main = _main(part)
    engine = {"type": role["engine"]["type"], "image": main.get("image"), **role["engine"]}
    role = {name: each for name, each in role.items() if name != "engine"}
    env = dict(engine.get("env") or {})
    if engine["type"] == "vllm" and "command" not in engine:
        words = [str(word) for word in main.get("args") or []]
        flags = every_flag([*([str(env.pop(ADDITIONAL))] if ADDITIONAL in env else []), *words])
        if flags is None:
            lost.append(f"arguments of `{key}` that are no flags vLLM is known to have")
        role, engine = _flagged(role, engine, flags or {}, lost)
        what = dict.fromkeys(SCRIPTED[name] for name in env if name in SCRIPTED)
        lost += [f"{each}, which KServe's start script does for `{key}`" for each in what]
        env = {name: value for name, value in env.items() if name not in SCRIPTED}
    engine = said({**engine, "env": env})
    size = role.get("sharedMemory") or _shared_memory(part)
    return said({**role, "engine": engine, **_accelerated(role), "sharedMemory": size}) | (
        {"worker": role["worker"]} if "worker" in role else {}
    )


def _noted(role: Tree, metadata: Mapping[str, Any]) -> Tree:
    """The role with those labels and annotations of the service that KServe gives to pods."""
    pod = dict(role.get("pod") or {})
    for field, prefixes in (("labels", POD_LABELS), ("annotations", POD_ANNOTATIONS)):
        own = texts(metadata.get(field) or {})
        taken = {key: each for key, each in own.items() if key.startswith(prefixes)}
        pod |= {field: {**taken, **(pod.get(field) or {})}} if taken else {}
    return {**role, "pod": pod} if pod else role


def _flagged(role: Tree, engine: Tree, flags: Tree, lost: list[str]) -> tuple[Tree, Tree]:
    """Flags under the fields that own them."""
    sizes = dict(role.get("parallelism") or {})
    args: Tree = {}
    catalogue = engine_catalogue("vllm")
    for name, value in flags.items():
        flag = catalogue.find(name)
        owner = flag.owner if flag is not None else ""
        name = name.replace("_", "-")
        if name in _SIZES:
            sizes[_SIZES[name]] = value
        elif name == "kv-transfer-config" and _is_nixl(_parsed(value)):
            role = {**role, "kvTransfer": {"connector": "nixl"}}
        elif not owner:
            args[name] = _parsed(value) if flag is not None and flag.type == "json" else value
        elif name not in _PASSED:
            lost.append(f"the flag `--{name}`, which is `{owner}` here")
    engine = {key: each for key, each in engine.items() if key not in ("argv", "args")}
    return {**role, **said({"parallelism": sizes})}, said({**engine, "args": args})


def _parsed(value: Any) -> Any:
    """JSON however it is spelt."""
    try:
        return read_json(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _is_nixl(value: Any) -> bool:
    """Whether it says no more than that KV cache goes by NIXL: which part a role has in it follows
    from its type."""
    if not isinstance(value, Mapping):
        return False
    rest = {key: each for key, each in value.items() if key != "kv_role"}
    return rest == {"kv_connector": "NixlConnector"} and value.get("kv_role") in _ROLES


def _accelerated(role: Tree) -> Tree:
    """The accelerator that a role asks for; its number where it is not what parallelism says."""
    resources = {side: dict(each) for side, each in (role.get("resources") or {}).items()}
    asked = {**resources.get("requests", {}), **resources.get("limits", {})}
    resource = next((each for each in MAKERS if each in asked), None)
    if resource is None:
        return {"accelerator": {"name": "cpu"}}
    sizes = role.get("parallelism") or {}
    count = sizes.get("tensor", 1) * sizes.get("pipeline", 1) * sizes.get("dataLocal", 1)
    found: Tree = {"name": MAKERS[resource], "vendor": MAKERS[resource]}
    if str(asked[resource]) != str(count):
        return {"accelerator": found}
    for side in resources.values():
        side.pop(resource, None)
    return {"accelerator": {**found, "resource": resource}, "resources": said(resources)}


def _shared_memory(part: Mapping[str, Any]) -> str | None:
    for volume in (part.get("template") or {}).get("volumes") or []:
        if volume.get("name") == SHARED_MEMORY:
            size = (volume.get("emptyDir") or {}).get("sizeLimit")
            return str(size) if size is not None else None
    return None


def _main(part: Mapping[str, Any]) -> Mapping[str, Any]:
    containers = (part.get("template") or {}).get("containers") or []
    return next((each for each in containers if each.get("name") == MAIN), {})


def _routing(spec: Tree, composed: Mapping[str, Any], service: Service, lost: list[str]) -> Tree:
    routing = dict(spec.get("routing") or {})
    router = composed.get("router") or {}
    config = picker_config(service) if router.get("scheduler") is not None else None
    if config is not None and "scheduler" not in routing:
        written = {**router["scheduler"], "config": {"inline": config}}
        written = {k: written[k] for k in ("config", "replicas") if k in written}
        part = scheduler_of(written, service.name)
        if part is None:
            lost.append("the picker's configuration")
        else:
            routing["scheduler"] = part.tree
    if router.get("route") is not None and "gateway" not in routing:
        routing |= _route(spec, router, service, lost)
    return routing


def _route(spec: Tree, router: Mapping[str, Any], service: Service, lost: list[str]) -> Tree:
    """The path that KServe's own route has; its others are lost."""
    fields = ((spec.get("kserve") or {}).get("fields") or {}).get("router") or {}
    http = (fields.get("route") or {}).get("http") or {}
    if http.get("refs"):
        lost.append("routes that are not KServe's: a model has its own, or none")
        return {}
    if http.get("spec") is not None:
        lost.append("the rules of its route")
        return {}
    space, name = service.platform.gateway
    ref = next(iter((router.get("gateway") or {}).get("refs") or []), None)
    gateway = dict(ref) if ref else {"name": name, "namespace": space}
    lost.append("paths of KServe's route by publisher, and by the header of the model")
    path = f"/{service.namespace}/{service.name}"
    return {"gateway": gateway, "route": {"path": path, "pathRewrite": "/", "timeout": "0s"}}


def _unsaid(fields: Mapping[str, Any]) -> Iterator[str]:
    """What stood as the CRD spells it and has not been said otherwise."""
    router = {
        key: each
        for key, each in (fields.get("router") or {}).items()
        if key not in ("route", "gateway", "scheduler")
    }
    rest = {key: each for key, each in fields.items() if key not in ("router", "tracing")}
    for key, each in {**rest, **({"router": router} if router else {})}.items():
        inner = [f"`{key}.{below}`" for below in each] if isinstance(each, Mapping) else []
        yield ", ".join(inner) or f"`{key}`"
    scheduler = (fields.get("router") or {}).get("scheduler") or {}
    yield from (
        f"`router.scheduler.{key}`" for key in scheduler if key not in ("config", "replicas")
    )
