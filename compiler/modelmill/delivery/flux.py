"""Flux: sources, and the Kustomizations that apply what is below generated/.

In: an environment's site and the objects it is to bring in. Out: objects of source-controller and
kustomize-controller (source.toolkit.fluxcd.io/v1, kustomize.toolkit.fluxcd.io/v1).

A model's Kustomization is a file of its own in the model's folder. A second source of the same
repository leaves nothing but these files and the environment's own folder. One Kustomization over
it applies them all, itself too, and takes back those that are gone, without a list that all models
would share. As that folder is among them there is always something: a path that is missing is an
error to Flux, which would then not take back the last model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelmill import names
from modelmill.containers import given
from modelmill.delivery import flux_health, flux_ignore, flux_timeout
from modelmill.delivery.flux_rules import faults, site_faults
from modelmill.delivery.sites import Site
from modelmill.resource import Resource, resource, with_annotations
from modelmill.spec.delivery import Flux
from modelmill.variant import Variant

__all__ = [
    "FOLDER", "annotated", "faults", "for_environment", "for_model", "for_project", "in_file",
    "site_faults",
]  # fmt: skip

FOLDER = "flux"
ENVIRONMENT, MODEL = "modelmill.dev/environment", "modelmill.dev/model"
GROUP = "kustomize.toolkit.fluxcd.io"
DISABLED = "disabled"
# What `postBuild` substitution changes: a variable, and an escaped dollar even without one
# (fluxcd/pkg, envsubst). Since kustomize-controller 1.9 an unknown variable fails the whole build.
VARIABLES = ("${", "$$")
# What takes people's work, users' traffic, or everything with it.
KEPT = ("Gateway", "InferencePool", "Namespace", "PersistentVolumeClaim")
# A load balancer's address takes minutes.
ENVIRONMENT_TIMEOUT = "10m"
# Kustomizations alone: nothing is waited for.
DELIVERY_TIMEOUT = "5m"
FETCH_TIMEOUT = "60s"
# Its objects were applied: their Namespace is there. That all of them are healthy is not asked, or
# one Secret that cannot be read would hold back every model.
APPLIED = "has(dep.status.inventory)"


def annotated(site: Site, resources: Sequence[Resource]) -> tuple[Resource, ...]:
    """What Flux must not delete says so, and what it must not substitute variables in. What people
    say of either stands."""
    flux = _flux(site)
    return tuple(_marked(flux, each) for each in resources)


def for_model(site: Site, variant: Variant, resources: Sequence[Resource]) -> Resource:
    flux = _flux(site)
    seconds = flux_timeout.startup_seconds(variant, resources)
    waits = flux_timeout.awaits_weights(variant)
    return _kustomization(
        site,
        site.model_name(variant.name),
        labels={**variant.model.record.metadata.labels, MODEL: variant.name},
        timeout=flux.timeout or flux_timeout.duration(seconds),
        dependsOn=[*_platform(flux), {"name": site.environment_name, "readyExpr": APPLIED}],
        path=site.model_path(variant.name),
        deletionPolicy=flux.deletion_policy,
        ignore=_ignored(resources),
        **_applied(flux, flux_health.expressions(resources, awaits_weights=waits)),
    )


def in_file(site: Site, made: Resource) -> Mapping[str, Any]:
    return made.body


def for_environment(site: Site, resources: Sequence[Resource]) -> tuple[Resource, ...]:
    flux = _flux(site)
    environment = _kustomization(
        site,
        site.environment_name,
        timeout=ENVIRONMENT_TIMEOUT,
        dependsOn=_platform(flux),
        path=site.environment_path(),
        deletionPolicy="Orphan",
        **_applied(flux, flux_health.expressions(resources)),
    )
    # No `wait`, no account and no other cluster: these are Flux's own objects, beside Flux.
    delivery = _kustomization(
        site,
        site.delivery_name,
        source=site.delivery_name,
        timeout=DELIVERY_TIMEOUT,
        path=site.path(),
        deletionPolicy="Orphan",
        wait=False,
    )
    return (
        _source(site, site.name, flux_ignore.generated(site)),
        _source(site, site.delivery_name, flux_ignore.delivered(site, FOLDER)),
        environment,
        delivery,
    )


def for_project(sites: Sequence[Site]) -> tuple[Resource, ...]:
    """Flux is told of kinds in each Kustomization."""
    return ()


def _flux(site: Site) -> Flux:
    chosen = site.delivery.flux
    if chosen is None:
        raise ValueError(f"{site.environment} is not delivered by Flux")
    return chosen


def _marked(flux: Flux, found: Resource) -> Resource:
    wanted = []
    if flux.confirm and found.kind in KEPT:
        wanted.append(f"{GROUP}/prune")
    if _has_variable(found.body):
        wanted.append(f"{GROUP}/substitute")
    noted = found.body["metadata"].get("annotations") or {}
    added = {each: DISABLED for each in wanted if each not in noted}
    return with_annotations(found, added) if added else found


def _has_variable(body: Mapping[str, Any]) -> bool:
    """One loop: it meets every value of every object, and calls of itself would take thrice."""
    left: list[Any] = [body]
    while left:
        value = left.pop()
        if isinstance(value, str):
            if "$" in value and any(each in value for each in VARIABLES):
                return True
        elif isinstance(value, dict | Mapping):
            left += value
            left += value.values()
        elif isinstance(value, list | tuple):
            left += value
    return False


def _source(site: Site, name: str, ignore: str) -> Resource:
    flux = _flux(site)
    is_git = flux.source == "GitRepository"
    ref = {"branch": site.branch} if is_git else {"tag": flux.artifact_tag or site.environment}
    return resource(
        site.apis[flux.source],
        flux.source,
        name,
        namespace=flux.namespace,
        labels=_labels(site),
        annotations=_annotations(flux),
        spec={
            "interval": flux.fetch_interval,
            "timeout": FETCH_TIMEOUT,
            "url": flux.url or site.delivery.git.url,
            "ref": ref,
            "provider": flux.provider,
            **given(
                secretRef={"name": flux.secret_name} if flux.secret_name else None,
                verify=dict(flux.verify) if flux.verify is not None else None,
            ),
            "ignore": ignore,
        },
    )


def _kustomization(
    site: Site,
    name: str,
    *,
    path: str,
    source: str | None = None,
    labels: Mapping[str, str] = names.NONE,
    **settings: Any,
) -> Resource:
    flux = _flux(site)
    return resource(
        site.apis["Kustomization"],
        "Kustomization",
        name,
        namespace=flux.namespace,
        labels=_labels(site, labels),
        annotations=_annotations(flux),
        spec={
            "interval": flux.interval,
            "retryInterval": flux.retry_interval,
            "sourceRef": {"kind": flux.source, "name": source or site.name},
            "path": f"./{path}",
            "prune": flux.prune,
            "force": False,
            **given(**settings),
        },
    )


def _applied(flux: Flux, health: list[dict[str, str]]) -> dict[str, Any]:
    """How objects of the cluster that models run in are applied, and told to be healthy."""
    account, config = flux.service_account_name, flux.kube_config
    return {
        "wait": flux.wait,
        "healthCheckExprs": (health or None) if flux.wait else None,
        "serviceAccountName": account,
        "kubeConfig": {"secretRef": {"name": config}} if config else None,
        "decryption": dict(flux.decryption) if flux.decryption is not None else None,
    }


def _ignored(resources: Sequence[Resource]) -> list[dict[str, Any]]:
    """Replicas that somebody wrote down although a scaler counts them (kustomize-controller 1.9).
    Where they are left out they are the scaler's already."""
    specs = [
        (each, spec) for each in resources if isinstance(spec := each.body.get("spec"), Mapping)
    ]
    scaled = {
        (str(target.get("kind", "Deployment")), str(target.get("name")))
        for _, spec in specs
        if isinstance(target := spec.get("scaleTargetRef"), Mapping)
    }
    return [
        {
            "paths": ["/spec/replicas"],
            "target": given(
                group=_exactly(each.api_version.rpartition("/")[0]),
                kind=each.kind,
                name=_exactly(each.name),
            ),
        }
        for each, spec in specs
        if (each.kind, each.name) in scaled and "replicas" in spec
    ]


def _exactly(name: str) -> str:
    """A name as the regular expression that Flux reads it as, which it anchors."""
    return name.replace(".", r"\.")


def _platform(flux: Flux) -> list[dict[str, str]]:
    """What comes first: by its name, or `namespace/name`."""
    return [
        given(name=name, namespace=namespace or None)
        for namespace, _, name in (each.rpartition("/") for each in flux.depends_on)
    ]


def _labels(site: Site, own: Mapping[str, str] = names.NONE) -> dict[str, str]:
    """By which people find them, and a notification's `eventSources` chooses them."""
    flux = _flux(site)
    said = flux.metadata.labels if flux.metadata else {}
    ours = {names.MANAGED_BY: "modelmill", ENVIRONMENT: site.environment}
    return dict(sorted({**own, **said, **ours}.items()))


def _annotations(flux: Flux) -> dict[str, str] | None:
    return dict(sorted(flux.metadata.annotations.items())) if flux.metadata else None
