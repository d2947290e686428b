"""What a role's pods run on: extended resources, or claims of Dynamic Resource Allocation.

In: a release and a role. Out: resource names, environment, claims and ResourceClaimTemplates, and
what is wrong with them (_helpers.tpl acceleratorResource, resources; _helpers-dra.tpl).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelmill.diagnostics import Diagnostic, did_you_mean, error, warning
from modelmill.gotypes.scalars import written
from modelmill.importers.modelservice_chart.facts import Accelerator, Claim, Role
from modelmill.importers.modelservice_chart.parallelism import sizes
from modelmill.importers.modelservice_chart.release import Release, chart_labels, is_former

CPU = "cpu"
SIMULATOR = "llm-d-inference-sim"
_SUFFIX = "-claim-template"


def accelerator_type(release: Release, role: Role) -> str:
    own = None if is_former(release) else release.get(role, "accelerator", "type")
    return str(own or release.get("accelerator", "type") or "nvidia")


def uses_claims(release: Release, role: Role) -> bool:
    """Whether the role asks for accelerators by claim."""
    if is_former(release):
        return False
    own = release.get(role, "accelerator", "dra")
    return bool(release.get("accelerator", "dra") if own is None else own)


def resource_name(release: Release, role: Role, image: str) -> str | None:
    """The extended resource of a container; None where it gets none."""
    kind = accelerator_type(release, role)
    if SIMULATOR in image or kind == CPU:
        return None
    return release.get("accelerator", "resources", kind) or None


def environment(release: Release, role: Role) -> list[dict[str, Any]]:
    """Environment that goes with the accelerator, in every container."""
    kind = accelerator_type(release, role)
    entries = [] if kind == CPU else release.get("accelerator", "env", kind) or []
    return [
        {**each, "value": written(each["value"])} if "value" in each else each for each in entries
    ]


def resources(release: Release, role: Role, container: dict[str, Any]) -> dict[str, Any]:
    """A container's resources, with accelerators and claims filled in."""
    given = container.get("resources") or {}
    limits, requests = dict(given.get("limits") or {}), dict(given.get("requests") or {})
    name = resource_name(release, role, str(container.get("image", "")))
    if name and not uses_claims(release, role):
        count = _asked(release, role, name, limits, requests)
        limits[name], requests[name] = count, count
    claims = [{"name": each["name"]} for each in pod_claims(release, role)]
    found: dict[str, Any] = {"limits": limits, "requests": requests, "claims": claims}
    return {key: value for key, value in found.items() if value}


def _asked(
    release: Release, role: Role, name: str, limits: dict[str, Any], requests: dict[str, Any]
) -> Any:
    """The count of an extended resource, for which requests and limits must be equal."""
    if is_former(release):
        return str(sizes(release, role).tensor)
    if limits.get(name) is not None:
        return limits[name]
    if requests.get(name) is not None:
        return requests[name]
    return str(sizes(release, role).accelerators)


def pod_claims(release: Release, role: Role) -> list[dict[str, Any]]:
    """The claims of a pod: the accelerator's, then the role's own."""
    claim = claim_of(release, role)
    own = [dict(each) for each in release.get(role, "resourceClaims") or []]
    if claim is None:
        return own
    return [{"name": claim.name, "resourceClaimTemplateName": claim.template}, *own]


def claim_of(release: Release, role: Role) -> Claim | None:
    """The accelerator's claim; None where the role has none."""
    if not uses_claims(release, role):
        return None
    kind = accelerator_type(release, role)
    template = release.get("accelerator", "resourceClaimTemplates", kind)
    made = isinstance(template, dict) and bool(template)
    found: dict[str, Any] = template if made else {}
    named = found.get("name")
    base = str(named).removesuffix(_SUFFIX) if named else kind
    count = found.get("count")
    return Claim(
        template=f"{named}-{role}" if named else f"{kind}-{role}{_SUFFIX}",
        name=f"{base}-{role}-claim",
        request=kind,
        device_class=str(found.get("class") or f"gpu.{kind}.com"),
        devices=sizes(release, role).accelerators if count is None else count,
        match=str(found.get("match") or "exactly"),
        selectors=tuple(found.get("selectors") or ()),
        made=made,
    )


def claim_template(release: Release, role: Role) -> dict[str, Any] | None:
    """The ResourceClaimTemplate of a role; None where the chart makes none."""
    claim = claim_of(release, role)
    if claim is None or not claim.made:
        return None
    wanted: dict[str, Any] = {"deviceClassName": claim.device_class, "count": claim.devices}
    if claim.selectors:
        wanted["selectors"] = list(claim.selectors)
    # `firstAvailable` is a list of named alternatives; the chart writes it as a mapping.
    chosen: Any = wanted if claim.match == "exactly" else [{"name": claim.request, **wanted}]
    request = {"name": claim.request, claim.match: chosen}
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaimTemplate",
        "metadata": {
            "name": claim.template,
            "labels": {**chart_labels(release), "llm-d.ai/role": role},
        },
        "spec": {"spec": {"devices": {"requests": [request]}}},
    }


def warning_annotation(release: Release, role: Role) -> str | None:
    """What the chart notes on a workload whose first container asks for another number."""
    name = _global_resource(release, role)
    limits = release.get(role, "containers", 0, "resources", "limits") or {}
    if is_former(release) or not name or limits.get(name) is None:
        return None
    asked, needed = _whole(limits[name]), sizes(release, role).accelerators
    if asked == needed:
        return None
    return (
        f"Accelerator mismatch: {name} is set to {asked} but parallelism calculates {needed}. "
        f"Using {asked}."
    )


def _global_resource(release: Release, role: Role) -> str | None:
    kind = str(release.get("accelerator", "type") or "nvidia")
    image = str(release.get(role, "containers", 0, "image") or "")
    if SIMULATOR in image or kind == CPU:
        return None
    return str(release.get("accelerator", "resources", kind) or "nvidia.com/gpu")


def _whole(value: Any) -> int:
    """A number as Sprig's `int` reads it."""
    text = written(value)
    return int(text) if text.lstrip("+-").isdigit() else 0


def facts(release: Release, role: Role, engine: dict[str, Any]) -> Accelerator:
    """What the role's engine container runs on."""
    image = str(engine.get("image", ""))
    claims = uses_claims(release, role)
    name = None if claims else resource_name(release, role, image)
    claim = claim_of(release, role)
    count = 0
    if claim:
        count = claim.devices
    elif name:
        count = _whole(resources(release, role, engine)["limits"][name])
    return Accelerator(accelerator_type(release, role), name, count, claims, claim)


def findings(release: Release, role: Role) -> Iterator[Diagnostic]:
    """What is wrong with the role's accelerators."""
    kind = accelerator_type(release, role)
    own = release.written(role, "accelerator", "type")
    span = release.at(role, "accelerator", "type") if own else release.at("accelerator", "type")
    claim = claim_of(release, role)
    if claim and not claim.made:
        yield warning(
            "I811",
            f"accelerator type `{kind}` has no resourceClaimTemplate: the pods of {role} name "
            f"`{claim.template}`, which the chart does not make; kept as it runs",
            span,
            f"create the ResourceClaimTemplate `{claim.template}`, or turn `dra` off",
        )
    elif claim and claim.match not in ("exactly", "firstAvailable"):
        yield error(
            "I804",
            f"`match` of the claim template of `{kind}` is `{claim.match}`, which no request has",
            release.at("accelerator", "resourceClaimTemplates", kind, "match"),
            "write `exactly` or `firstAvailable`",
        )
    elif claim and claim.match == "firstAvailable":
        yield warning(
            "I811",
            "the chart writes `firstAvailable` as a mapping, which the API server refuses: "
            "taken over as a list of one",
            release.at("accelerator", "resourceClaimTemplates", kind, "match"),
            "list the alternatives in the claim template",
        )
    if not claim and not is_former(release) and _unknown(release, role, kind):
        meant = did_you_mean(kind, release.get("accelerator", "resources") or {})
        yield warning(
            "I811",
            f"the chart knows no resource for accelerator type `{kind}` and would ask for "
            f"nvidia.com/gpu: taken over without an accelerator in {role}",
            span,
            meant or "set `accelerator.resource` in the Model to what the device plugin offers",
        )
    yield from _selecting(release, role)
    for at, container in enumerate(release.get(role, "containers") or []):
        yield from _asked_twice(release, role, at, container)
    yield from _shared_by_all(release, role)


def _unknown(release: Release, role: Role, kind: str) -> bool:
    images = [str(each.get("image")) for each in release.get(role, "containers") or []]
    simulated = all(SIMULATOR in image for image in images)
    known = kind == CPU or release.get("accelerator", "resources", kind)
    return not known and not simulated


def _selecting(release: Release, role: Role) -> Iterator[Diagnostic]:
    types = release.get(role, "acceleratorTypes") or {}
    if types.get("labelKey") and not types.get("labelValues"):
        yield warning(
            "I811",
            f"`{role}.acceleratorTypes` names a label but no values, which the API server "
            "refuses: taken over as nodes that have the label",
            release.at(role, "acceleratorTypes"),
            "list the values in `labelValues`",
        )


def _asked_twice(
    release: Release, role: Role, at: int, container: dict[str, Any]
) -> Iterator[Diagnostic]:
    """Limits and requests that differ, and counts that the sizes do not need."""
    name = resource_name(release, role, str(container.get("image", "")))
    given = container.get("resources") or {}
    limit = (given.get("limits") or {}).get(name)
    request = (given.get("requests") or {}).get(name)
    if name is None or is_former(release) or uses_claims(release, role):
        return
    if limit is None and request is None:
        return
    needed = sizes(release, role).accelerators
    where = "limits" if limit is not None else "requests"
    asked = limit if limit is not None else request
    span = release.at(role, "containers", at, "resources", where, name)
    other = str(needed) if limit is None or request is None else written(request)
    if written(asked) != other:
        yield warning(
            "I813",
            f"`{name}` would have other limits than requests ({written(asked)} and {other}), which "
            f"the API server refuses: both are taken over as {written(asked)}, where parallelism "
            f"needs {needed}",
            span,
            f"ask for {needed} in both, or change `{role}.parallelism`",
        )
    elif _whole(asked) != needed and _whole(asked) != 0:
        yield warning(
            "I814",
            f"`{name}` is {written(asked)} where parallelism needs {needed}: kept as it runs",
            span,
            f"ask for {needed}, or change `{role}.parallelism`",
        )


def _shared_by_all(release: Release, role: Role) -> Iterator[Diagnostic]:
    """Every container gets the accelerators of the whole pod, a helper beside the engine too."""
    if uses_claims(release, role):
        return
    held = False
    for at, container in enumerate(release.get(role, "containers") or []):
        name = resource_name(release, role, str(container.get("image", "")))
        given = container.get("resources") or {}
        own = [
            given[each][name] for each in ("limits", "requests") if name in (given.get(each) or {})
        ]
        if held and name and not own:
            yield warning(
                "I814",
                f"container `{container.get('name', 'vllm')}` of {role} asks for accelerators too "
                f"({name}), so that the pod needs them twice: kept as it runs",
                release.at(role, "containers", at),
                f'give it `{name}: "0"` in limits and requests',
            )
        held = held or bool(name and (not own or any(_whole(each) for each in own)))
