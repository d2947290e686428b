"""What two releases in one namespace share, and what is left behind.

In: a release. Out: warnings about selectors and names without the release's, images that change
under their tag, volumes nobody mounts, and APIs that are gone.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelmill.diagnostics import Diagnostic, Note, Span, warning
from modelmill.importers.modelservice_chart.accelerator import claim_template
from modelmill.importers.modelservice_chart.facts import ROLES, Path
from modelmill.importers.modelservice_chart.release import Release, is_former, model_labels
from modelmill.importers.modelservice_chart.sidecar import has_sidecar

SHARED = frozenset({"llm-d.ai/inference-serving", "llm-d.ai/inferenceServing", "llm-d.ai/role"})
DEFAULT_VOLUME = "metrics-volume"


def findings(release: Release) -> Iterator[Diagnostic]:
    """What is to be said of the release as a whole."""
    yield from _selector(release)
    yield from _claim_templates(release)
    yield from _latest(release)
    yield from _orphan(release)
    if is_former(release):
        yield from _superseded(release)


def _selector(release: Release) -> Iterator[Diagnostic]:
    if not set(model_labels(release)) <= SHARED:
        return
    yield warning(
        "I815",
        "pods are selected by labels that every release of the chart has: two releases in one "
        "namespace take each other's pods; kept as it runs, as a selector cannot be changed",
        release.at("modelArtifacts", "labels"),
        "give `modelArtifacts.labels` a label of the model, like `llm-d.ai/model`, and create the "
        "workloads anew",
    )


def _claim_templates(release: Release) -> Iterator[Diagnostic]:
    made = [
        template["metadata"]["name"]
        for role in ROLES
        if release.get(role, "create") and (template := claim_template(release, role))
    ]
    made = [name for name in made if release.name not in name]
    if made:
        yield warning(
            "I815",
            f"the ResourceClaimTemplate {' and '.join(made)} has no release in its name: another "
            "release in the namespace makes the same; kept as it runs",
            release.at("accelerator"),
            "set `accelerator.resourceClaimTemplates.<type>.name` to a name of this release",
        )


def _latest(release: Release) -> Iterator[Diagnostic]:
    """One finding for all images, at the first that the user wrote."""
    floating = [(path, image) for path, image in _images(release) if _floats(image)]
    if not floating:
        return
    written = [path for path, _ in floating if release.written(*path)]
    span = release.at(*(written or [floating[0][0]])[0])
    names = dict.fromkeys(image for _, image in floating)
    notes = [Note(f"`{release.get(*path)}`", _span(release, path)) for path in written[1:]]
    yield warning(
        "I814",
        f"what `{'`, `'.join(names)}` names changes under its tag: kept as it runs",
        span,
        "name a version or a digest",
        notes,
    )


def _images(release: Release) -> Iterator[tuple[Path, str]]:
    for role in ROLES:
        if not release.get(role, "create"):
            continue
        for at, container in enumerate(release.get(role, "containers") or []):
            yield (role, "containers", at, "image"), str(container.get("image"))
    if release.get("decode", "create") and has_sidecar(release):
        yield ("routing", "proxy", "image"), str(release.get("routing", "proxy", "image"))


def _floats(image: str) -> bool:
    if "@" in image:
        return False
    _, colon, tag = image.rpartition("/")[2].partition(":")
    return not colon or tag == "latest"


def _span(release: Release, path: Path) -> Span:
    return release.at(*path)


def _orphan(release: Release) -> Iterator[Diagnostic]:
    """The default volume stays when only the containers are replaced."""
    for role in ROLES:
        made = release.get(role, "create") and release.written(role, "containers")
        if not made or release.user.get(role, "volumes") is not None:
            continue
        containers = release.get(role, "containers") or []
        mounted = {each.get("name") for c in containers for each in c.get("volumeMounts") or []}
        default = release.get(role, "volumes") or []
        if DEFAULT_VOLUME not in mounted and default:
            yield warning(
                "I814",
                f"`{DEFAULT_VOLUME}`, a volume of the chart's defaults, is mounted nowhere: kept "
                "as it runs",
                release.key_at(role, "containers"),
                "set `volumes: []`; pods are replaced once",
            )
            return


def _superseded(release: Release) -> Iterator[Diagnostic]:
    """APIs of the gateway that clusters no longer serve."""
    for key, said, hint in (
        (
            "inferencePool",
            "InferencePool v1alpha2 is superseded by inference.networking.k8s.io/v1",
            "move to the Model's own routing when the gateway knows the new one",
        ),
        (
            "inferenceModel",
            "InferenceModel was taken out of the Gateway API Inference Extension with v1.0",
            "set `routing.inferenceModel.create: false`",
        ),
        (
            "httpRoute",
            "the HTTPRoute is a Helm hook, which Helm does not track as part of the release",
            "delete its annotation `helm.sh/hook`: Argo CD would run it as a hook of its own",
        ),
    ):
        if release.get("routing", key, "create"):
            yield warning("I816", f"{said}: kept as it runs", release.at("routing", key), hint)
