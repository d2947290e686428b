"""The four kinds of file a repository holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from modelmill.formats import Date, DnsLabel, DnsName, LabelValue, QualifiedName, Registry
from modelmill.record import EMPTY, PartialShape, Record, field
from modelmill.shapes import FreeMapping
from modelmill.spec.autoscaling import Prometheus
from modelmill.spec.delivery import DeliveryLayer
from modelmill.spec.gateways import ManagedGateway
from modelmill.spec.kserve import KServe, KServeTarget
from modelmill.spec.model import ModelSource
from modelmill.spec.network_policy import NetworkPolicy
from modelmill.spec.observability import Alerts, Dashboard
from modelmill.spec.pod import Metadata
from modelmill.spec.policies import PolicyLayer, ProjectLayer
from modelmill.spec.role import Role, Workload
from modelmill.spec.routing import Routing
from modelmill.spec.secrets import ExternalSecret
from modelmill.spec.tracing import Tracing
from modelmill.spec.validation import Validation

API_VERSION = "modelmill.dev/v1alpha1"


class Spec(Workload):
    """What is served and how. In a preset or an overlay every field is optional."""

    noun = "spec"
    misnomers: ClassVar[Mapping[str, str]] = {
        "modelArtifacts": "model",
        "decode": "roles",
        "prefill": "roles",
        "router": "routing",
        "args": "engine",
        "env": "engine",
        "image": "engine",
        "gpu": "accelerator",
        "runtime": "engine",
        "parallelism": "roles",
        "monitoring": "podMonitor",
        "role": "roles",
        "pdb": "podDisruptionBudget",
        "shm": "sharedMemory",
        "labels": "metadata",
        "volumes": "pod",
        "tolerations": "pod",
    }

    model: ModelSource = field("The model and where its weights are.")
    roles: Mapping[DnsLabel, Role] = field(
        "Groups of pods by name: decode and prefill, or one server.", default=EMPTY
    )
    routing: Routing | None = field("How requests reach the pods.", default=None)
    tracing: Tracing | None = field("OpenTelemetry traces.", default=None)
    kserve: KServe | None = field("What only KServe's target knows.", default=None)
    prometheus: Prometheus | None = field(
        "The Prometheus that scalers ask; an environment's.", default=None
    )
    alerts: Alerts | None = field("Emits a PrometheusRule.", default=None)
    dashboard: Dashboard | None = field("Emits a Grafana dashboard.", default=None)
    network_policy: NetworkPolicy | None = field("Emits NetworkPolicies.", default=None)
    external_secrets: Mapping[DnsName, ExternalSecret] = field(
        "Secrets that the External Secrets operator makes, by their name.", default=EMPTY
    )
    service_account: Metadata | None = field(
        "Labels and annotations of the model's ServiceAccount, by which a cloud gives its pods "
        "access to a bucket.",
        default=None,
    )
    extra_objects: Mapping[str, FreeMapping] = field(
        "Further Kubernetes objects by a name of your own, emitted as they are.", default=EMPTY
    )


Layer = Annotated[Any, PartialShape(lambda: Spec)]
"""One layer of a spec: every field optional, kept as a tree until all layers are merged."""


class Identity(Record):
    """Name, labels and annotations of a document."""

    noun = "metadata"

    name: DnsLabel = field("The document's name, unique in its kind.")
    labels: Mapping[QualifiedName, LabelValue] = field(
        "Labels overlays select models by; added to its objects.", default=EMPTY
    )
    annotations: Mapping[QualifiedName, str] = field(
        "Notes for people and tools; not emitted.", default=EMPTY
    )


class Header(Record):
    """What every document begins with, before its kind and what belongs to the kind."""

    api_version: Literal["modelmill.dev/v1alpha1"] = field("Version of the input language.")


class Acceptance(Record):
    """Why a finding is accepted, and until when."""

    noun = "an accepted finding"
    misnomers = {"expires": "until", "expiry": "until"}

    reason: str = field("Why.")
    until: Date | None = field(
        "Last day on which it holds; `lint` tells when it is past.", default=None
    )


class ModelDocument(Header):
    """One served model."""

    noun = "a Model"

    kind: Literal["Model"] = field("Kind of the document.")
    metadata: Identity = field("Name and labels.")
    extends: tuple[str, ...] = field("Presets under the model, lowest first.", default=())
    accept: Mapping[str, str | Acceptance] = field(
        "Findings of checks that are warnings for this model, by code, with the reason.",
        default=EMPTY,
    )
    spec: Layer = field("What is served and how.")
    environments: Mapping[DnsLabel, Layer] = field(
        "What differs in an environment, by its name.", default=EMPTY
    )


class PresetDocument(Header):
    """A reusable partial spec."""

    noun = "a Preset"

    kind: Literal["Preset"] = field("Kind of the document.")
    metadata: Identity = field("Name and labels.")
    extends: tuple[str, ...] = field("Presets under this one, lowest first.", default=())
    spec: Layer = field("The part of a spec it sets.")


class Requirement(Record):
    """One condition on labels, as Kubernetes label selectors have it."""

    noun = "a label condition"

    key: str = field("Label key.")
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"] = field("How values compare.")
    values: tuple[str, ...] = field("Values for In and NotIn.", default=())


class Selector(Record):
    """Which models an environment takes; all conditions must hold. Empty takes every model."""

    match_labels: Mapping[str, str] = field("Labels with exact values.", default=EMPTY)
    match_expressions: tuple[Requirement, ...] = field("Further conditions.", default=())


class PatchTarget(Record):
    """Which generated objects a patch is for."""

    noun = "a patch target"

    kind: str = field("Kind of the object.")
    name: str | None = field(
        "Name of the object; every object of the kind unless given.", default=None
    )
    model: str | None = field("Only objects of this model.", default=None)


class Patch(Record):
    """A last-mile JSON 6902 patch. It must hit: an object or path that is not there is an error."""

    noun = "a patch"
    one_of = (("operations", "path"),)

    target: PatchTarget = field("Objects to patch.")
    operations: tuple[FreeMapping, ...] = field(
        "JSON 6902 operations: {op, path, value}.", default=()
    )
    path: str | None = field(
        "File below the overlay's folder that holds the operations.", default=None
    )


class PodSecurityExemption(Record):
    """A model whose pods may be more than the environment's Pod Security Standard allows."""

    noun = "an exemption"
    misnomers = {"expires": "until", "expiry": "until", "podSecurity": "level"}

    level: Literal["baseline", "privileged"] = field("The standard it is held to instead.")
    reason: str = field("Why.")
    until: Date = field("Last day on which it holds; `lint` tells when it is past.")


class OverlayDocument(Header):
    """One environment: where models go and what is laid over every one of them."""

    noun = "an Overlay"

    kind: Literal["Overlay"] = field("Kind of the document.")
    metadata: Identity = field("Name of the environment.")
    cluster: str | None = field("Cluster it is deployed to, for people and delivery.", default=None)
    namespace: DnsLabel = field("Namespace of its objects.")
    create_namespace: bool = field("Whether the Namespace object is generated.", default=True)
    registries: Mapping[Registry, Registry] = field(
        "Registries that stand for others, for clusters without the internet, by the part of an "
        "image's name they replace: {ghcr.io: registry.example.com/ghcr}. For every pod, those of "
        "`extraObjects` included; over the project's own.",
        default=EMPTY,
    )
    pod_security: Literal["restricted", "baseline", "privileged"] | None = field(
        "Pod Security Standard the namespace enforces.", default=None
    )
    pod_security_exemptions: Mapping[DnsLabel, PodSecurityExemption] = field(
        "Models that may be more than that, by name. The namespace enforces what they need, and "
        "warns of what it would not have enforced; all other models are held to `podSecurity`.",
        default=EMPTY,
    )
    gateways: Mapping[DnsName, ManagedGateway] = field(
        "Gateways that are generated with the environment, by name.", default=EMPTY
    )
    external_secrets: Mapping[DnsName, ExternalSecret] = field(
        "Secrets for all its models, which the External Secrets operator makes, by their name.",
        default=EMPTY,
    )
    target: Literal["llm-d", "kserve"] = field(
        "What models compile to: plain objects as llm-d has them, or KServe's LLMInferenceService.",
        default="llm-d",
    )
    kserve: KServeTarget | None = field("How resources of KServe are written.", default=None)
    delivery: DeliveryLayer | None = field(
        "What of the project's `delivery` differs here; null for an environment that is not "
        "delivered.",
        default=None,
    )
    policies: PolicyLayer | None = field(
        "What of the project's `policies` differs here.", default=None
    )
    selector: Selector = field("Which models it takes.", default=Selector())
    extends: tuple[str, ...] = field("Presets laid over every model.", default=())
    spec: Layer | None = field("Spec laid over every model.", default=None)
    patches: Mapping[str, Patch] = field("Last-mile patches by a name of your own.", default=EMPTY)


class Paths(Record):
    """Folders of the repository."""

    models: str = field("Model files.", default="models")
    presets: str = field("Preset files.", default="presets")
    overlays: str = field("Environments.", default="overlays")
    generated: str = field(
        "What the compiler writes; nothing else may be kept there.", default="generated"
    )


class Versions(Record):
    """APIs and images to emit."""

    set: str = field("Name of a version set: llm-d-v0.9.")
    images: Mapping[str, str] = field(
        "Images that replace the set's, by its name for them.", default=EMPTY
    )
    registries: Mapping[Registry, Registry] = field(
        "Registries that stand for others in every environment, as an Overlay's `registries`.",
        default=EMPTY,
    )


class ProjectDocument(Header):
    """modelmill.yaml: the repository's settings."""

    noun = "a Project"

    kind: Literal["Project"] = field("Kind of the document.")
    metadata: Identity | None = field("Name of the project.", default=None)
    versions: Versions = field("APIs and images to emit.")
    paths: Paths = field("Folders of the repository.", default=Paths())
    delivery: DeliveryLayer | None = field(
        "How generated/ reaches the clusters: Argo CD, Flux, the CI job.", default=None
    )
    policies: ProjectLayer | None = field(
        "What is demanded of everything that is deployed.", default=None
    )
    validation: Validation = field(
        "What `modelmill validate` holds generated/ against.", default=Validation()
    )


DOCUMENTS: dict[str, type[Record]] = {
    "Project": ProjectDocument,
    "Model": ModelDocument,
    "Preset": PresetDocument,
    "Overlay": OverlayDocument,
}
