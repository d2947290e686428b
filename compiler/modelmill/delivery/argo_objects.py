"""Argo CD's objects as their fields: AppProjects, Applications and ApplicationSets (argoproj.io).

In: an environment's site. Out: bodies. Fields that Argo CD drops when they are false or empty are
left out, or its own Application would see drift in them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelmill import names
from modelmill.autoscaling import scaled_workloads
from modelmill.containers import Manifest, given
from modelmill.delivery.sites import Site
from modelmill.gateways import namespace_of
from modelmill.resource import Resource, resource
from modelmill.shapes import Scalar
from modelmill.spec.delivery import ArgoCD
from modelmill.tree import plain
from modelmill.variant import Variant

API = "argoproj.io/v1alpha1"
GROUP = "argoproj.io"
PATHS = "argocd.argoproj.io/manifest-generate-paths"
ENVIRONMENT, MODEL = "modelmill.dev/environment", "modelmill.dev/model"
FINALIZER = "resources-finalizer.argocd.argoproj.io"
IN_CLUSTER = {"server": "https://kubernetes.default.svc"}
SYNC_OPTIONS: Mapping[str, Scalar] = {
    # Of a change only what it touches is waited for, not every workload of the model.
    "ApplyOutOfSyncOnly": True,
    "FailOnSharedResource": True,
    "PruneLast": True,
    "RespectIgnoreDifferences": True,
    "ServerSideApply": True,
}
ADDED_TO = ("clusterResourceWhitelist", "destinations", "sourceRepos")
"""Lists of an AppProject that `projectSpec` adds to; any other field of it replaces."""
# What an ApplicationSet takes from a model's file: nothing that says whose the Application is, what
# it may do and where. Its path is that of the file.
PATCH = """\
metadata:
  annotations: {{ toJson .annotations }}
  labels: {{ toJson .labels }}
spec:
  ignoreDifferences: {{ toJson .ignoreDifferences }}
"""


def settings(site: Site) -> ArgoCD:
    found = site.delivery.argo_cd
    assert found is not None
    return found


def source(site: Site, path: str) -> Manifest:
    """A folder of the repository. A ref in full is looked up without a list of all."""
    git = site.delivery.git
    return {"path": path, "repoURL": git.url, "targetRevision": f"refs/heads/{site.branch}"}


def destination(site: Site) -> Manifest:
    """The environment's cluster, as Argo CD knows it."""
    own = settings(site).destination
    if own is not None and own.server is not None:
        return {"server": own.server}
    return {"name": (own and own.name) or site.overlay.record.cluster}


def sync_policy(site: Site, *, ignores: bool = False) -> Manifest:
    """How an Application is synced. `ignores`: some of its fields are others' to write."""
    argo = settings(site)
    automated = given(prune=argo.prune or None, selfHeal=argo.self_heal or None)
    own = {k: v for k, v in SYNC_OPTIONS.items() if ignores or k != "RespectIgnoreDifferences"}
    options = {**own, **argo.sync_options}
    return {
        **({"automated": automated} if argo.automated else {}),
        "retry": {
            "limit": argo.retry.limit,
            "backoff": {
                "duration": argo.retry.backoff.duration,
                "factor": argo.retry.backoff.factor,
                "maxDuration": argo.retry.backoff.max_duration,
            },
            # Else a commit that mends what failed waits until the last try of the broken one.
            "refresh": True,
        },
        "syncOptions": [f"{name}={_spelt(value)}" for name, value in sorted(options.items())],
    }


def application(site: Site, name: str, project: str, spec: Manifest, **metadata: Any) -> Resource:
    """An Application in Argo CD's namespace. `metadata`: labels, annotations, finalizers."""
    body = resource(
        API,
        "Application",
        name,
        namespace=settings(site).namespace,
        labels=dict(sorted({**labels(site), **metadata.get("labels", {})}.items())),
        annotations=dict(sorted(metadata.get("annotations", {}).items())),
        spec={"project": project, **spec},
    )
    if metadata.get("finalizers"):
        body.body["metadata"]["finalizers"] = metadata["finalizers"]
    return body


def labels(site: Site) -> dict[str, str]:
    return {names.MANAGED_BY: "modelmill", ENVIRONMENT: site.environment}


def finalizers(site: Site) -> list[str]:
    return [FINALIZER] if settings(site).cascade else []


def differences(site: Site, variant: Variant, resources: Sequence[Resource]) -> list[Manifest]:
    """What of a model's objects is not Git's to say: the replicas of what a scaler scales, and what
    people say besides."""
    scaled = {(each.kind, each.name) for each in scaled_workloads(variant)}
    for each in resources:
        # What people wrote may have any shape.
        spec = each.body.get("spec")
        target = spec.get("scaleTargetRef") if isinstance(spec, dict) else None
        if isinstance(target, dict):
            # KEDA's scales a Deployment unless it says another kind.
            scaled.add((str(target.get("kind", "Deployment")), str(target.get("name"))))
    found = [
        {
            "group": each.api_version.rpartition("/")[0],
            "kind": each.kind,
            "name": each.name,
            "jsonPointers": ["/spec/replicas"],
        }
        for each in (resources if scaled else ())
        if (each.kind, each.name) in scaled
    ]
    return [*found, *(dict(each) for _, each in sorted(settings(site).ignore_differences.items()))]


def namespaces(site: Site) -> list[str]:
    """Where the environment's objects are, as far as its overlay says: the models' own namespace,
    its Gateways', and that of routes."""
    record = site.overlay.record
    found = {record.namespace, *(namespace_of(site.overlay, g) for g in record.gateways.values())}
    route = site.overlay.node.get("spec", "routing", "route", "namespace")
    return sorted({*found, *([str(route.value)] if route is not None else [])})


def project_spec(site: Site) -> Manifest:
    """What an AppProject lets the models of an environment do, and the environment's own objects:
    everything, but only from here, there, and nothing of the whole cluster but their Namespace."""
    record = site.overlay.record
    found: Manifest = {
        "description": f"What modelmill generates for the environment {site.environment}",
        "sourceRepos": [site.delivery.git.url],
        "destinations": [
            {**destination(site), "namespace": namespace} for namespace in namespaces(site)
        ],
        "clusterResourceWhitelist": [{"group": "", "kind": "Namespace"}]
        if record.create_namespace
        else [],
        "namespaceResourceWhitelist": [{"group": "*", "kind": "*"}],
    }
    own = site.node.get("argoCD", "projectSpec")
    for field, value in (plain(own) if own is not None else {}).items():
        added = field in ADDED_TO and isinstance(value, list)
        found[field] = [*found[field], *value] if added else value
    return {key: value for key, value in found.items() if value != []}


def projects(site: Site, annotations: dict[str, str]) -> Iterator[Resource]:
    """The AppProject of the environment, and the one of what brings it in: only there may be
    Applications made, or a model could give itself another project."""
    if settings(site).project is not None:
        return
    namespace = settings(site).namespace
    kinds = ("AppProject", "Application", "ApplicationSet")
    keeper = {
        "description": f"What brings in the environment {site.environment}",
        "sourceRepos": [site.delivery.git.url],
        "destinations": [{**IN_CLUSTER, "namespace": namespace}],
        "namespaceResourceWhitelist": [{"group": GROUP, "kind": kind} for kind in kinds],
    }
    for name, spec in ((site.name, project_spec(site)), (site.delivery_name, keeper)):
        yield resource(
            API,
            "AppProject",
            name,
            namespace=namespace,
            labels=dict(sorted(labels(site).items())),
            annotations=annotations,
            spec=spec,
        )


def application_set(site: Site, project: str) -> Resource:
    """The ApplicationSet of an environment's models."""
    argo, git = settings(site), source(site, "")
    # The pattern is right where `*` stands for one folder, and where it stands for several.
    files = [{"path": site.path("*", "argo-cd", f"{site.environment}.yaml")}]
    read = {"repoURL": git["repoURL"], "revision": git["targetRevision"], "files": files}
    path = "{{ dir .path.path }}/overlays/" + site.environment
    return resource(
        API,
        "ApplicationSet",
        site.name,
        namespace=argo.namespace,
        labels=dict(sorted(labels(site).items())),
        spec={
            "goTemplate": True,
            "goTemplateOptions": ["missingkey=error"],
            "generators": [{"git": read}],
            # It takes away annotations that its template lacks: a person's consent to delete too.
            "preservedFields": {"annotations": ["argocd.argoproj.io/deletion-approved"]},
            "syncPolicy": {
                "applicationsSync": "sync" if argo.cascade else "create-update",
                "preserveResourcesOnDeletion": not argo.cascade,
            },
            "template": {
                "metadata": {
                    "name": "{{ .name }}",
                    **given(finalizers=finalizers(site)),
                },
                "spec": {
                    "project": project,
                    "source": source(site, path),
                    "destination": {
                        **destination(site),
                        "namespace": site.overlay.record.namespace,
                    },
                    "syncPolicy": sync_policy(site, ignores=True),
                },
            },
            "templatePatch": PATCH,
        },
    )


def _spelt(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
