"""G901, G905, G906: what Argo CD would not sync, or not as it is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from modelmill.containers import Manifest
from modelmill.delivery.argo_objects import destination, project_spec, settings
from modelmill.delivery.sites import Site
from modelmill.diagnostics import Diagnostic, did_you_mean, error, warning
from modelmill.layout import CLUSTER_SCOPED
from modelmill.resource import Resource
from modelmill.tree import remember
from modelmill.variant import Variant

# argoproj/argo-cd, docs/user-guide/sync-options.md, of an Application.
SYNC_OPTIONS = (
    "ApplyOutOfSyncOnly", "ClientSideApplyMigration", "CreateNamespace", "Delete",
    "FailOnSharedResource", "Prune", "PruneLast", "PrunePropagationPolicy", "Replace",
    "RespectIgnoreDifferences", "ServerSideApply", "SkipDryRunOnMissingResource", "Validate",
)  # fmt: skip


def site_faults(site: Site) -> Iterator[Diagnostic]:
    """What holds whatever the models of the environment are."""
    argo = settings(site)
    own = argo.destination
    if (own is None or not (own.name or own.server)) and not site.overlay.record.cluster:
        yield error(
            "G901",
            f"it is not said which cluster `{site.environment}` is",
            site.overlay.span,
            "give its overlay a `cluster`, by the name that Argo CD has for it, or its delivery an "
            "`argoCD.destination`",
        )
    for name in argo.sync_options:
        if name not in SYNC_OPTIONS:
            yield warning(
                "G905",
                f"Argo CD has no sync option `{name}`, and would say nothing",
                site.node.nearest("argoCD", "syncOptions", name).key_span,
                did_you_mean(name, SYNC_OPTIONS),
            )


def faults(site: Site, variant: Variant, resources: Sequence[Resource]) -> Iterator[Diagnostic]:
    """G906: the generated AppProject lets in what the model consists of."""
    if settings(site).project is not None:
        return
    spec, own = _project(site), str(site.overlay.record.namespace)
    open_to: dict[str, bool] = {}
    for each in resources:
        if each.kind in CLUSTER_SCOPED:
            if not _is_listed(each, spec):
                yield _shut_out(
                    site, variant, each, "of the whole cluster", "clusterResourceWhitelist"
                )
            continue
        namespace = str(each.body["metadata"].get("namespace", own))
        if namespace not in open_to:
            open_to[namespace] = _is_open(namespace, spec, site)
        if not open_to[namespace]:
            where = f"in the namespace `{namespace}`"
            yield _shut_out(site, variant, each, where, "destinations")


def _project(site: Site) -> Manifest:
    """What the environment's AppProject says, the same for all its models."""
    memo = site.overlay.node.memo or {}
    kept: tuple[Site, Manifest] | None = memo.get(_project)
    if kept is None or kept[0] is not site:
        kept = (site, project_spec(site))
        remember(site.overlay.node, _project, kept)
    return kept[1]


def _is_open(namespace: str, spec: Manifest, site: Site) -> bool:
    destinations = _mappings(spec.get("destinations"))
    allowed = (str(each.get("namespace")) for each in destinations if _is_there(each, site))
    return any(fnmatchcase(namespace, each) for each in allowed)


def _is_there(entry: Mapping[str, Any], site: Site) -> bool:
    """Whether a destination of a project is of the environment's cluster. One by its name, the
    other by its address: it may be."""
    to = destination(site)
    said = [(str(entry[key]), to.get(key)) for key in ("name", "server") if entry.get(key)]
    return any(other is None or fnmatchcase(str(other), pattern) for pattern, other in said)


def _is_listed(resource: Resource, spec: Mapping[str, Any]) -> bool:
    group = resource.api_version.rpartition("/")[0]
    return any(
        fnmatchcase(group, str(each.get("group", "")))
        and fnmatchcase(resource.kind, str(each.get("kind")))
        for each in _mappings(spec.get("clusterResourceWhitelist"))
    )


def _shut_out(
    site: Site, variant: Variant, resource: Resource, where: str, field: str
) -> Diagnostic:
    entry = {**destination(site), "namespace": resource.body["metadata"].get("namespace")}
    if field != "destinations":
        entry = {"group": resource.api_version.rpartition("/")[0], "kind": resource.kind}
    empty = '""'
    written = ", ".join(f"{key}: {value or empty}" for key, value in entry.items())
    return error(
        "G906",
        f"the AppProject `{site.name}` does not let Argo CD make the {resource.kind} "
        f"`{resource.name}`, {where}",
        variant.model.span,
        f"add {{{written}}} to `argoCD.projectSpec.{field}` of the delivery",
    )


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    found = value if isinstance(value, list) else []
    return [each for each in found if isinstance(each, Mapping)]
