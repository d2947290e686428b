"""What is wrong with a role beyond its containers.

In: a release. Out: errors for what the chart refuses; warnings for what it leaves out or repeats.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelmill.diagnostics import Diagnostic, error, warning
from modelmill.importers.modelservice_chart.combining import repeated
from modelmill.importers.modelservice_chart.facts import ROLES, Role
from modelmill.importers.modelservice_chart.pods import bare_spec
from modelmill.importers.modelservice_chart.release import Release, is_former, model_labels
from modelmill.importers.modelservice_chart.sidecar import has_sidecar

DEPLOYMENT_ONLY = ("strategy",)
GROUP_ONLY = ("hostIPC", "hostPID", "subGroupPolicy", "subGroupExclusiveTopology")
DEFAULT_VOLUME = "metrics-volume"
NAMED = ("initContainers", "volumes", "resourceClaims")
ENCODERS = ("json", "console")


def errors(release: Release) -> Iterator[Diagnostic]:
    """What makes a release one that the chart cannot render."""
    for key, hint in (("name", "name the model"), ("uri", "say where the weights are")):
        if not release.get("modelArtifacts", key):
            message = f"`modelArtifacts.{key}` is empty"
            yield error("I804", message, release.at("modelArtifacts", key), hint)
    if not model_labels(release):
        message = "`modelArtifacts.labels` is empty, and the chart renders no YAML without a label"
        span = release.at("modelArtifacts", "labels")
        yield error("I804", message, span, "give it one of the model, like `llm-d.ai/model: llama`")
    name = str(release.get("modelArtifacts", "name") or "")
    for key, value in model_labels(release).items():
        if "{{" in str(value):
            span = release.at("modelArtifacts", "labels", key)
            message = f"the chart does not evaluate the template in the label `{key}`"
            yield error("I802", message, span, "write what it is to render to")
    if "{{" in name:
        yield error(
            "I802",
            "the chart takes `modelArtifacts.name` as it stands, with the braces of its template",
            release.at("modelArtifacts", "name"),
            "write the model's name out",
        )
    if release.get("dra", "enabled") and is_former(release):
        message = "claims of chart v0.2 (`dra`) cannot be taken over"
        yield error("I804", message, release.at("dra"), "move to chart v0.4's `accelerator.dra`")
    yield from _sidecar(release)
    yield from _extra_objects(release)
    for role in ROLES:
        if release.get(role, "create"):
            yield from _refused(release, role)


def _sidecar(release: Release) -> Iterator[Diagnostic]:
    proxy = release.get("routing", "proxy") or {}
    if release.get("decode", "create") and has_sidecar(release) and not proxy.get("image"):
        span = release.at("routing", "proxy", "image")
        message = "`routing.proxy.image` is empty"
        yield error("I804", message, span, "name the sidecar's image, or set `enabled: false`")
    encoder = proxy.get("zapEncoder")
    if encoder is not None and encoder not in ENCODERS:
        span = release.at("routing", "proxy", "zapEncoder")
        message = f"`routing.proxy.zapEncoder` must be json or console, not `{encoder}`"
        yield error("I804", message, span, "write `json`")


def _extra_objects(release: Release) -> Iterator[Diagnostic]:
    for at, manifest in enumerate(release.get("extraObjects") or []):
        metadata = manifest.get("metadata") if isinstance(manifest, dict) else None
        named = isinstance(metadata, dict) and isinstance(metadata.get("name"), str)
        typed = named and all(isinstance(manifest.get(k), str) for k in ("apiVersion", "kind"))
        if not typed:
            message = "an object of `extraObjects` needs `apiVersion`, `kind` and `metadata.name`"
            yield error("I804", message, release.at("extraObjects", at), "give it all three")
            continue
        for key in ("labels", "annotations"):
            if not isinstance(manifest["metadata"].get(key) or {}, dict):
                span = release.at("extraObjects", at, "metadata", key)
                message = f"`metadata.{key}` of an object of `extraObjects` must be a mapping"
                hint = "a template in quotes renders to text: write the mapping out"
                yield error("I804", message, span, hint)


def _named_twice(release: Release, role: Role) -> Iterator[Diagnostic]:
    """Entries that the API server takes for one."""
    for key in NAMED:
        names = set[str]()
        for at, entry in enumerate(release.get(role, key) or []):
            name = str(entry.get("name")) if isinstance(entry, dict) else ""
            if name in names:
                message = f"two entries of `{role}.{key}` have the name `{name}`"
                hint = "give each its own `name`"
                yield error("I804", message, release.at(role, key, at), hint)
            names.add(name)


def _refused(release: Release, role: Role) -> Iterator[Diagnostic]:
    yield from _named_twice(release, role)
    if not release.get(role, "containers"):
        message = f"{role} has no containers"
        span = release.at(role, "containers")
        yield error("I804", message, span, "list one, or set `create: false`")
    for at, claim in enumerate(release.get(role, "resourceClaims") or []):
        for key in ("name", "resourceClaimTemplateName"):
            if not claim.get(key):
                span = release.at(role, "resourceClaims", at)
                message = f"a claim of `{role}.resourceClaims` has no `{key}`"
                yield error("I804", message, span, "a claim needs both its name and a template")
    extra = release.get(role, "extraConfig")
    if extra is not None and not isinstance(extra, dict):
        span = release.at(role, "extraConfig")
        yield error("I804", f"`{role}.extraConfig` must be a mapping", span)


def findings(release: Release, role: Role) -> Iterator[Diagnostic]:
    """What of a role the chart leaves out, repeats or leaves lying about."""
    yield from _without_effect(release, role)
    yield from _repeated(release, role)
    yield from _monitor(release, role)
    if release.get(role, "autoscaling", "enabled") and not release.get("multinode"):
        yield warning(
            "I814",
            f"`{role}.autoscaling.enabled` leaves `replicas` out of LeaderWorkerSets only: this "
            "Deployment sets it, so that every sync undoes what the scaler did; kept as it runs",
            release.at(role, "autoscaling", "enabled"),
            "set `autoscaling: {by: external}` in the Model",
        )


def _without_effect(release: Release, role: Role) -> Iterator[Diagnostic]:
    grouped = bool(release.get("multinode"))
    for key in DEPLOYMENT_ONLY if grouped else GROUP_ONLY:
        if not release.get(role, key):
            continue
        workload = "LeaderWorkerSet" if grouped else "Deployment"
        yield warning(
            "I803",
            f"the chart does not look at `{role}.{key}` for a {workload}: it is not taken over",
            release.key_at(role, key),
            "delete it" if grouped else f"put it into `{role}.extraConfig`, or set `multinode`",
        )


def _repeated(release: Release, role: Role) -> Iterator[Diagnostic]:
    extra: dict[str, Any] = release.get(role, "extraConfig") or {}
    for key in repeated(bare_spec(release, role), extra):
        yield warning(
            "I808",
            f"`{role}.extraConfig` sets `{key}`, and the chart writes the key again, which drops "
            "yours: taken over as both in one",
            release.at(role, "extraConfig", key),
            "set it in one place",
        )


def _monitor(release: Release, role: Role) -> Iterator[Diagnostic]:
    given = release.get(role, "monitoring", "podmonitor") or {}
    if not given.get("enabled"):
        return
    port = str(given.get("portName") or "metrics")
    containers = release.get(role, "containers") or []
    names = [entry.get("name") for each in containers for entry in each.get("ports") or []]
    if port not in names:
        yield warning(
            "I814",
            f"the PodMonitor of {role} scrapes the port `{port}`, which no container has: kept as "
            "it runs",
            release.at(role, "monitoring", "podmonitor"),
            f"name the engine's port `{port}` in `ports`",
        )
