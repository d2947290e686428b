"""What a repository demands of everything it deploys, beyond that it works."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from modelmill.formats import Date, DnsLabel
from modelmill.record import EMPTY, PartialShape, Record, field

Level = Literal["error", "warn", "off"]
"""How a policy that is not kept is told."""


class ImagePolicies(Record):
    """What images may be run."""

    noun = "policies of images"
    misnomers: ClassVar[Mapping[str, str]] = {
        "digests": "digest",
        "allowed": "registries",
        "allowedRegistries": "registries",
    }

    digest: Level | None = field("Images by digest, not by a tag that may move.", default=None)
    registries: tuple[str, ...] | None = field(
        "Where images may come from, by the beginning of their names: [ghcr.io/llm-d, docker.io]; "
        "from anywhere unless given.",
        default=None,
    )


class ResourcePolicies(Record):
    """What containers must ask for, and may take."""

    noun = "policies of resources"

    requests: Level | None = field("Requests of CPU and memory.", default=None)
    memory_limits: Level | None = field("A limit of memory.", default=None)
    cpu_limits: Level | None = field("A limit of CPU.", default=None)
    accelerators: Level | None = field(
        "Requests of accelerators equal to their limits.", default=None
    )


class ProbePolicies(Record):
    """Probes of containers that listen on ports, in pods that run on."""

    noun = "policies of probes"

    startup: Level | None = field("A startup probe.", default=None)
    readiness: Level | None = field("A readiness probe.", default=None)
    liveness: Level | None = field("A liveness probe.", default=None)


class PodPolicies(Record):
    """What pods do without, beyond what the Pod Security Standards ask."""

    noun = "policies of pods"
    misnomers: ClassVar[Mapping[str, str]] = {
        "automountServiceAccountToken": "serviceAccountToken",
        "readOnlyRootFilesystem": "rootFilesystem",
        "hostNetwork": "hostNamespaces",
        "podDisruptionBudget": "disruptionBudgets",
        "topologySpreadConstraints": "spread",
    }

    service_account_token: Level | None = field(
        "No token of the API, unless a role is bound to the pod's ServiceAccount.", default=None
    )
    root_filesystem: Level | None = field("A root file system that is read-only.", default=None)
    host_namespaces: Level | None = field(
        "Neither network, processes nor IPC of the node.", default=None
    )
    disruption_budgets: Level | None = field(
        "A PodDisruptionBudget for what has more than one replica.", default=None
    )
    spread: Level | None = field(
        "Replicas kept apart by topologySpreadConstraints or podAntiAffinity.", default=None
    )


class Rule(Record):
    """A rule of your own, in CEL: what must be true of objects, or of a model."""

    noun = "a rule"
    misnomers: ClassVar[Mapping[str, str]] = {
        "rule": "expression",
        "cel": "expression",
        "validation": "expression",
        "match": "kinds",
        "fieldPath": "path",
        "field": "path",
        "level": "severity",
    }

    message: str = field("What is wrong where it is not true.")
    expression: str = field(
        "What must be true, in CEL. It reads `object`, which it is asked of; `model`, `labels` and "
        '`spec`, of the model; `environment` and `namespaceName`, "" without one.'
    )
    kinds: tuple[str, ...] = field(
        'Kinds of emitted objects it is asked of, "*" for all; of the model itself unless given.',
        default=(),
    )
    environments: tuple[str, ...] = field("Environments it is for; all unless given.", default=())
    severity: Literal["error", "warn"] = field("How it is told.", default="error")
    path: str | None = field(
        "Field of the model's `spec` that it is about, at whose line it is told.", default=None
    )


class PolicyExemption(Record):
    """Why a model need not keep a policy, and until when."""

    noun = "an exemption"
    misnomers: ClassVar[Mapping[str, str]] = {"expires": "until", "expiry": "until"}

    reason: str = field("Why.")
    until: Date = field("Last day on which it holds; `lint` tells when it is past.")


class AllowedSecret(Record):
    """A value that looks like a secret and is none."""

    noun = "an allowed value"
    misnomers: ClassVar[Mapping[str, str]] = {"expires": "until", "field": "path"}

    file: str = field("File it stands in.")
    path: str = field("Field of the file it stands in: spec.roles.decode.engine.env.SEED.")
    reason: str = field("Why it is none.")
    until: Date = field("Last day on which it holds; `lint` tells when it is past.")


class Policies(Record):
    """What is demanded of everything that is deployed."""

    noun = "policies"
    misnomers: ClassVar[Mapping[str, str]] = {
        "image": "images",
        "podSecurityStandard": "podSecurity",
        "exceptions": "exemptions",
        "validations": "rules",
    }

    profile: Literal["default", "strict"] = field(
        "What holds of a policy that is not set: `strict` has all of them as errors but CPU "
        "limits, startup probes and read-only root file systems.",
        default="default",
    )
    images: ImagePolicies = field("What images may be run.", default=ImagePolicies())
    resources: ResourcePolicies = field("What containers ask for.", default=ResourcePolicies())
    probes: ProbePolicies = field("Probes of containers with ports.", default=ProbePolicies())
    pods: PodPolicies = field("What pods do without.", default=PodPolicies())
    pod_security: Literal["restricted", "baseline", "privileged"] | None = field(
        "The weakest Pod Security Standard that an environment may enforce.", default=None
    )
    rules: Mapping[DnsLabel, Rule] = field("Rules of your own by name.", default=EMPTY)
    exemptions: Mapping[DnsLabel, Mapping[str, PolicyExemption]] = field(
        "Policies that a model need not keep yet, by the model's name and the policy's: "
        "{llama: {images.digest: {reason: …, until: …}}}; `rules.NAME` is one of your own.",
        default=EMPTY,
    )


class ProjectPolicies(Policies):
    """The project's policies, and what holds of its files."""

    noun = "policies"
    misnomers = Policies.misnomers

    secrets: Mapping[DnsLabel, AllowedSecret] = field(
        "Values that look like secrets and are none, by a name of your own.", default=EMPTY
    )


ProjectLayer = Annotated[Any, PartialShape(lambda: ProjectPolicies)]
PolicyLayer = Annotated[Any, PartialShape(lambda: Policies)]
"""The project's policies, or what of them differs in an environment; kept as trees until merged."""
