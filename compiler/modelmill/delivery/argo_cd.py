"""Argo CD: an AppProject and an Application of an environment, and one of each model in it.

In: an environment's site and the objects it is to bring in. Out: objects of argoproj.io/v1alpha1.

A model's Application is a file of its own, in the model's folder: written out, or as the parameters
of the environment's ApplicationSet. What brings an environment in is one folder, applied once by
hand; an Application of it then keeps the folder itself. Overlays are read as they are: `kustomize`
in an Application would make Argo CD edit the checkout, one Application of the repository at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelmill.containers import Manifest, given
from modelmill.delivery import argo_objects as objects
from modelmill.delivery.argo_rules import faults, site_faults
from modelmill.delivery.sites import Site
from modelmill.resource import Resource, with_annotations
from modelmill.variant import Variant
from modelmill.waves import ANNOTATION as WAVE

__all__ = [
    "FOLDER", "annotated", "faults", "for_environment", "for_model", "for_project", "in_file",
    "site_faults",
]  # fmt: skip

FOLDER = "argo-cd"
OPTIONS = "argocd.argoproj.io/sync-options"
CONFIRMED = ("Prune", "Delete")
# What takes people's work, users' traffic, or everything with it. An ApplicationSet that cascades
# takes every model.
GUARDED = ("ApplicationSet", "Gateway", "InferencePool", "Namespace", "PersistentVolumeClaim")


def annotated(site: Site, resources: Sequence[Resource]) -> tuple[Resource, ...]:
    """What Argo CD must not delete without being told says so. Options that are said stand."""
    if not objects.settings(site).confirm:
        return tuple(resources)
    return tuple([_guarded(each) if each.kind in GUARDED else each for each in resources])


def for_model(site: Site, variant: Variant, resources: Sequence[Resource]) -> Resource:
    """The model's Application, as it is or as the ApplicationSet makes it."""
    argo, metadata = objects.settings(site), objects.settings(site).metadata
    ignored = objects.differences(site, variant, resources)
    by_set = argo.applications == "ApplicationSet"
    paths = "." if site.is_alone else ".;../../base"
    return objects.application(
        site,
        site.model_name(variant.name),
        argo.project or site.name,
        {
            "source": objects.source(site, site.model_path(variant.name)),
            "destination": {
                **objects.destination(site),
                "namespace": site.overlay.record.namespace,
            },
            "syncPolicy": objects.sync_policy(site, ignores=by_set or bool(ignored)),
            **given(ignoreDifferences=ignored),
        },
        labels={
            **variant.model.record.metadata.labels,
            **(metadata.labels if metadata else {}),
            **objects.labels(site),
            objects.MODEL: variant.name,
        },
        annotations={**(metadata.annotations if metadata else {}), objects.PATHS: paths},
        finalizers=objects.finalizers(site),
    )


def in_file(site: Site, made: Resource) -> Mapping[str, Any]:
    if objects.settings(site).applications == "Application":
        return made.body
    metadata = made.body["metadata"]
    return {
        "name": made.name,
        "labels": metadata["labels"],
        "annotations": metadata["annotations"],
        "ignoreDifferences": made.body["spec"].get("ignoreDifferences", []),
    }


def for_environment(site: Site, resources: Sequence[Resource]) -> tuple[Resource, ...]:
    """The projects, before what is of them; the environment itself, and its models."""
    argo = objects.settings(site)
    project, keeper = argo.project or site.name, argo.project or site.delivery_name
    # Models do not wait for the environment to be healthy: one Secret that cannot be read, or a
    # Gateway without an address, would hold back all of them. A sync that comes before the
    # Namespace is tried again.
    made = [*objects.projects(site, {WAVE: "-1"})]
    if resources:
        made.append(_environment(site, project))
    if argo.applications == "ApplicationSet":
        made.append(objects.application_set(site, project))
    else:
        made.append(_models(site, keeper))
    made.append(_keeper(site, keeper))
    return annotated(site, made)


def for_project(sites: Sequence[Site]) -> tuple[Resource, ...]:
    from modelmill.delivery.argo_health import config_maps

    return config_maps(sorted({objects.settings(site).namespace for site in sites}))


def _guarded(resource: Resource) -> Resource:
    noted = resource.body["metadata"].get("annotations") or {}
    said = [each.strip() for each in str(noted.get(OPTIONS, "")).split(",") if each.strip()]
    names = {each.partition("=")[0] for each in said}
    wanted = [f"{name}=confirm" for name in CONFIRMED if name not in names]
    return with_annotations(resource, {OPTIONS: ",".join([*said, *wanted])}) if wanted else resource


def _environment(site: Site, project: str) -> Resource:
    """The Application of what the environment itself owns."""
    return objects.application(
        site,
        site.environment_name,
        project,
        {
            "source": objects.source(site, site.environment_path()),
            "destination": {
                **objects.destination(site),
                "namespace": site.overlay.record.namespace,
            },
            "syncPolicy": objects.sync_policy(site),
        },
        annotations={objects.PATHS: "."},
        finalizers=objects.finalizers(site),
    )


def _models(site: Site, project: str) -> Resource:
    """The Application that brings in those of the models, each a file in its model's folder."""
    included = f"*/{FOLDER}/{site.environment}.yaml"
    directory = {"recurse": True, "include": included}
    return objects.application(
        site,
        site.name,
        project,
        {
            "source": {**objects.source(site, site.path()), "directory": directory},
            **_here(site),
        },
        annotations={objects.PATHS: included},
    )


def _keeper(site: Site, project: str) -> Resource:
    """The Application of this very folder. Without a finalizer: it would take all the others."""
    path = site.environment_path(FOLDER)
    spec = {"source": objects.source(site, path), **_here(site)}
    return objects.application(
        site, site.delivery_name, project, spec, annotations={objects.PATHS: "."}
    )


def _here(site: Site) -> Manifest:
    """Where and how objects of Argo CD itself are synced."""
    return {
        "destination": {**objects.IN_CLUSTER, "namespace": objects.settings(site).namespace},
        "syncPolicy": objects.sync_policy(site),
    }
