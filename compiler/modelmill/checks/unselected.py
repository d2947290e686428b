"""C551: what a pool or a Service sends requests to must carry the labels they select by, and a
route's Service be there.

Pods that are only what is written (`defaults: none`) have the labels of their own selector alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.diagnostics import Diagnostic, Note, error
from modelmill.names import ENTRY, INSTANCE, SERVING
from modelmill.variant import Variant

READS = (
    "defaults dual_pods extra_objects pod routing.gateway routing.scheduler.config "
    "routing.service selector worker"
)


def check(variant: Variant) -> Iterable[Diagnostic]:
    if variant.gateway is not None and variant.scheduler is None and not _has_service(variant):
        yield error(
            "C551",
            f"the route leads to the Service `{variant.service_name(variant.name)}`, and there is "
            "none",
            variant.span_of("routing", "service", "create"),
            "take `create: false` out, or extend a routing profile",
        )
        return
    bare = [key for key in variant.roles if variant.is_bare(key) and variant.serves(key)]
    if not bare or len(bare) < len(variant.roles):
        return
    service = variant.routing.service
    if variant.scheduler is not None and not _have(variant, bare, SERVING):
        yield _blind(variant, bare[0], "the InferencePool", ("routing", "scheduler"))
    elif (service is None or service.create) and not _have(variant, bare, ENTRY):
        yield _blind(variant, bare[0], "the Service", ("routing",))


def _has_service(variant: Variant) -> bool:
    service, name = variant.routing.service, variant.service_name(variant.name)
    further = variant.spec.extra_objects.values()
    own = [
        each for each in further if (each["kind"], each["metadata"]["name"]) == ("Service", name)
    ]
    return service is None or service.create or bool(own)


def _have(variant: Variant, keys: Iterable[str], mark: str) -> bool:
    wanted = {INSTANCE: variant.name, mark: "true"}
    for key in keys:
        pod = variant.roles[key].pod
        labels = {**(pod.labels if pod else {}), **variant.selector(key)}
        if wanted.items() <= labels.items():
            return True
    return False


def _blind(variant: Variant, key: str, what: str, place: tuple[str, ...]) -> Diagnostic:
    hint = "take `defaults: none` out, which replaces the pods once"
    if what == "the Service":
        hint += "; or set `routing.service: {create: false}`"
    return error(
        "C551",
        f"{what} selects pods by labels that those of `{key}` have not: nothing would be reached",
        variant.key_span_of(*place),
        hint,
        [Note("they are only what is written", variant.span_of("roles", key, "defaults"))],
    )
