"""C572: adapters that are loaded while engines run reach them, and need no other pod."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.adapters import SYNCED_ENGINE, Placed, folder_of, placed, sync_of
from modelmill.diagnostics import Diagnostic, error, warning
from modelmill.model_cache import weights_of
from modelmill.model_uri import UriFault, parse_uri
from modelmill.spec.adapters import AdapterSync
from modelmill.spec.role import Role
from modelmill.variant import Variant

PLACE = ("model", "adapterSync")
PLUGIN = "lora_filesystem_resolver"
SIDECARS_OWN = {
    "image": "image",
    "reconcileTrigger": "reconcile_trigger",
    "healthCheckTimeout": "health_check_timeout",
    "env": "env",
    "resources": "resources",
}
UNSYNCED = "leave `adapterSync` out: adapters are loaded when an engine starts"
MOVABLE = "put it on a claim: pvc://CLAIM/PATH, or on the hub: hf://ORG/ADAPTER"


def check(variant: Variant) -> Iterable[Diagnostic]:
    sync = variant.spec.model.adapter_sync
    if sync is None:
        return
    yield from _told(variant, sync)
    for key, role in variant.roles.items():
        yield from _takes(variant, key, role)
        if not _is_readable(variant):
            continue
        if sync_of(variant, key) == "sidecar":
            yield from _loaded(variant, key, role)
        elif sync_of(variant, key) == "resolver":
            yield from _found(variant, key, role)


def _is_readable(variant: Variant) -> bool:
    """Whether every address is one; C502 and C543 say so of those that are not."""
    model = variant.spec.model
    try:
        for uri in (model.uri, *(each.uri for each in model.adapters.values())):
            parse_uri(uri, model.mount_path)
    except UriFault:
        return False
    return True


def _told(variant: Variant, sync: AdapterSync) -> Iterable[Diagnostic]:
    """What is written of the sidecar itself."""
    if sync.by == "sidecar":
        if sync.image is None and any(sync_of(variant, key) for key in variant.roles):
            yield error(
                "C572",
                "the sidecar that loads adapters has no image, and upstream publishes none",
                variant.key_span_of(*PLACE),
                "build tools/dynamic-lora-sidecar of kubernetes-sigs/"
                "gateway-api-inference-extension v1.4, and set `image`",
            )
        if variant.routing.tls is not None:
            yield error(
                "C572",
                "the sidecar that loads adapters speaks no TLS, and the model's pods do",
                variant.key_span_of(*PLACE),
                "choose `by: resolver`, or leave `routing.tls` out",
            )
        return
    for name, attribute in SIDECARS_OWN.items():
        if getattr(sync, attribute):
            yield error(
                "C572",
                f"`{name}` is of a sidecar, and a resolver has none",
                variant.key_span_of(*PLACE, name),
                "leave it out, or set `by: sidecar`",
            )


def _takes(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    """Whether the role's engine takes adapters while it runs."""
    engine = role.engine
    if engine is None:
        return
    message = ""
    if engine.type in ("sglang", "custom"):
        message = f"the engine of `{key}` is {engine.type}; only {SYNCED_ENGINE} takes adapters so"
    elif not sync_of(variant, key):
        return
    elif variant.is_bare(key):
        message = f"`{key}` has `defaults: none`, so that its pods get nothing that loads adapters"
    elif role.dual_pods is not None:
        message = f"`{key}` has dual pods, whose sleeping servers take no adapters"
    if message:
        yield error("C572", message, variant.key_span_of(*PLACE), UNSYNCED)
    servers = engine.args.get("api-server-count")
    if isinstance(servers, int) and servers > 1 and engine.type == SYNCED_ENGINE:
        yield error(
            "C572",
            f"`{key}` has {servers} API servers, of which one would know an adapter",
            variant.span_of("roles", key, "engine", "args", "api-server-count"),
            "leave it out: it is 1 where adapters are loaded while engines run",
        )


def _loaded(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    """By a sidecar: adapters that no init container would have to fetch."""
    for each in placed(variant, key):
        span = variant.span_of("model", "adapters", each.name, "uri")
        if each.source.image or each.source.url:
            yield error(
                "C572",
                f"a running pod of `{key}` cannot get `{each.name}` from {each.source.scheme}://",
                span,
                MOVABLE,
            )
        elif each.path == each.source.hub_name and _is_offline(variant, role):
            yield error(
                "C572",
                f"the engine of `{key}` would fetch `{each.name}` itself, and is told not to ask "
                "the hub",
                span,
                "set `model.cache` for weights of hf://, or put it on a claim: pvc://CLAIM/PATH",
            )


def _is_offline(variant: Variant, role: Role) -> bool:
    model = variant.spec.model
    assert role.engine is not None
    offline = weights_of(variant).scheme == "pvc+hf" and model.read_only and model.mounted
    said = role.engine.env.get("HF_HUB_OFFLINE", "1" if offline else "0")
    return str(said).lower() in ("1", "true", "yes", "on")


def _found(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    """By a resolver: a folder that has each adapter by its name."""
    assert role.engine is not None
    found = placed(variant, key)
    if not found:
        yield error(
            "C572",
            "nothing says in which folder adapters are looked for",
            variant.key_span_of(*PLACE),
            "name one adapter of it in `model.adapters`",
        )
        return
    for each in found:
        yield from _in_folder(variant, each, folder_of(found[0]))
    plugins = role.engine.env.get("VLLM_PLUGINS")
    if isinstance(plugins, str) and PLUGIN not in plugins.split(","):
        yield error(
            "C572",
            f"VLLM_PLUGINS of `{key}` leaves out the one that finds adapters",
            variant.span_of("roles", key, "engine", "env", "VLLM_PLUGINS"),
            f"add `{PLUGIN}`, or leave the variable out: all are loaded then",
        )
    weights = weights_of(variant)
    if not weights.hub_name:
        yield warning(
            "C572",
            f"adapters are found only if their adapter_config.json says `base_model_name_or_path`: "
            f"{weights.argument}",
            variant.span_of("model", "uri"),
            "adapters usually say a hub's name there; hf:// weights have one",
        )


def _in_folder(variant: Variant, each: Placed, folder: str) -> Iterable[Diagnostic]:
    span = variant.span_of("model", "adapters", each.name, "uri")
    own = folder_of(each)
    if each.source.url and "/" in each.name:
        # What downloads it makes one folder, and none above it.
        yield error(
            "C572",
            f"`{each.name}` would be downloaded into a folder of a folder",
            variant.key_span_of("model", "adapters", each.name),
            "name it without `/`",
        )
    if not own:
        cached = each.source.hub_name and not each.is_downloaded
        where = "in the cache" if cached else f"at {each.source.argument.strip('/') or 'the top'}"
        yield error(
            "C572",
            f"a resolver looks for a folder `{each.name}`, and the adapter is {where}",
            span,
            "leave `model.cache` out, or put it on a claim"
            if cached
            else f"name it like its folder, or move it: pvc://CLAIM/PATH/{each.name}",
        )
    elif own != folder and folder:
        yield error(
            "C572",
            f"`{each.name}` is not in the folder of the others",
            span,
            "a resolver looks into one folder: put adapters on one claim, side by side",
        )
