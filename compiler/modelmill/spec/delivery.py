"""How generated/ reaches clusters: the Git repository controllers read, and the controllers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from modelmill.formats import DnsLabel, DnsName, Duration, RepositoryAddress
from modelmill.record import EMPTY, PartialShape, Record, field
from modelmill.shapes import FreeMapping, Scalar
from modelmill.spec.pod import Metadata


class GitSource(Record):
    """The Git repository that controllers read generated/ from."""

    noun = "the Git source"
    misnomers: ClassVar[Mapping[str, str]] = {
        "repoURL": "url",
        "repository": "url",
        "targetRevision": "branch",
        "revision": "branch",
    }

    url: str = field("Address, as controllers reach it.")
    branch: str = field(
        "Branch they read. With `{environment}` in it each environment has a branch of its own, "
        "which holds that environment's manifests alone: `environments/{environment}`.",
        default="main",
    )
    path: str = field(
        "Folder of that repository that modelmill.yaml is in, or in another repository would be; "
        "its top unless given.",
        default="",
    )


class Publish(Record):
    """What `modelmill publish` does beyond writing to the branch that controllers read."""

    repository: RepositoryAddress | None = field(
        "Address to push to, where that is not the remote the sources come from.", default=None
    )
    next: bool = field(
        "Push to `<branch>-next` instead, from which gitops-promoter opens pull requests.",
        default=False,
    )
    sign: bool | None = field(
        "Sign commits with git's `user.signingKey`; as git's `commit.gpgSign` says unless given.",
        default=None,
    )
    attempts: int = field(
        "How often a push is tried that another one came before.", default=10, minimum=1, maximum=50
    )


class Destination(Record):
    """A cluster as Argo CD knows it."""

    one_of = (("name", "server"),)

    name: str | None = field("Its name.", default=None)
    server: str | None = field("Address of its API server.", default=None)


class Backoff(Record):
    """How long Argo CD waits before it tries again."""

    duration: Duration = field("Before the first time.", default="30s")
    factor: int = field("How much longer each further time.", default=2, minimum=1)
    max_duration: Duration = field("At most.", default="10m")


class Retry(Record):
    """What Argo CD does about a sync that failed."""

    limit: int = field("How often it tries again; -1 for ever.", default=5, minimum=-1)
    backoff: Backoff = field("How long it waits.", default=Backoff())


class ArgoCD(Record):
    """Argo CD: an AppProject and an Application per model and environment."""

    noun = "argoCD"

    namespace: DnsLabel = field("Namespace of Argo CD and its objects.", default="argocd")
    applications: Literal["ApplicationSet", "Application"] = field(
        "Whether an ApplicationSet makes the Applications of the models, of a small file each, or "
        "each is written out and an Application of the environment brings them in.",
        default="ApplicationSet",
    )
    project: DnsName | None = field(
        "An AppProject that exists; one is generated for the environment unless given.",
        default=None,
    )
    destination: Destination | None = field(
        "The cluster; the one named as the overlay's `cluster` unless given.", default=None
    )
    automated: bool = field("Whether changes are synced without being asked for.", default=True)
    prune: bool = field("Whether what is no longer in Git is deleted.", default=True)
    self_heal: bool = field("Whether what was changed by hand is changed back.", default=True)
    cascade: bool = field("Whether deleting an Application deletes what it made.", default=False)
    confirm: bool = field(
        "Whether deleting claims and pools waits for somebody's consent.", default=True
    )
    retry: Retry = field("What is done about a sync that failed.", default=Retry())
    sync_options: Mapping[str, Scalar] = field(
        "Further sync options, or other values of those that are set: {Validate: false}.",
        default=EMPTY,
    )
    ignore_differences: Mapping[str, FreeMapping] = field(
        "Further entries of `ignoreDifferences` by a name of your own.", default=EMPTY
    )
    metadata: Metadata | None = field(
        "Labels and annotations of the Applications, for example of Argo CD Notifications.",
        default=None,
    )
    project_spec: FreeMapping | None = field(
        "Further fields of the generated AppProject's `spec`: roles, syncWindows, signatureKeys.",
        default=None,
    )


class Flux(Record):
    """Flux: a source, and a Kustomization per model and environment."""

    noun = "flux"

    namespace: DnsLabel = field("Namespace of Flux's objects.", default="flux-system")
    source: Literal["GitRepository", "OCIRepository"] = field(
        "Whether Flux reads the Git repository, or an artifact that CI pushes.",
        default="GitRepository",
    )
    url: str | None = field(
        "Address of the artifact, oci://…; or of the Git repository, where Flux reaches it at "
        "another than `git.url`.",
        default=None,
    )
    artifact_tag: str | None = field(
        "Tag of the artifact; the environment's name unless given.", default=None
    )
    provider: Literal["generic", "aws", "azure", "gcp", "github"] = field(
        "Who authenticates Flux to the source.", default="generic"
    )
    secret_name: DnsName | None = field("Secret with the source's credentials.", default=None)
    verify: FreeMapping | None = field(
        "What signatures the source must have, as its `verify` has it.", default=None
    )
    fetch_interval: Duration = field("How often the source is fetched.", default="1m")
    interval: Duration = field("How often drift is looked for.", default="1h")
    retry_interval: Duration = field("When a failed apply is tried again.", default="2m")
    timeout: Duration | None = field(
        "How long an apply may take until all is healthy; what the model's pods may take to start "
        "unless given.",
        default=None,
    )
    wait: bool = field("Whether an apply ends when all is healthy.", default=True)
    prune: bool = field("Whether what is no longer in Git is deleted.", default=True)
    deletion_policy: Literal["MirrorPrune", "Delete", "WaitForTermination", "Orphan"] = field(
        "What becomes of a model's objects when its Kustomization is deleted.", default="Orphan"
    )
    confirm: bool = field(
        "Whether Flux never deletes claims, pools, Gateways and the Namespace.", default=True
    )
    depends_on: tuple[str, ...] = field(
        "Kustomizations of the platform, by `name` or `namespace/name`, which come first: those "
        "that install custom resource definitions and gateways.",
        default=(),
    )
    service_account_name: DnsName | None = field(
        "Account that objects are applied as.", default=None
    )
    kube_config: DnsName | None = field(
        "Secret with the kubeconfig of a remote cluster.", default=None
    )
    decryption: FreeMapping | None = field("How encrypted files are read.", default=None)
    metadata: Metadata | None = field("Labels and annotations of the Kustomizations.", default=None)


class Delivery(Record):
    """Who brings generated/ to the clusters, and how CI publishes it."""

    git: GitSource = field("The Git repository that controllers read.")
    publish: Publish = field("The CI job that compiles and commits.", default=Publish())
    argo_cd: ArgoCD | None = field("Objects for Argo CD.", default=None)
    flux: Flux | None = field("Objects for Flux.", default=None)


DeliveryLayer = Annotated[Any, PartialShape(lambda: Delivery)]
"""The project's delivery, or what of it differs in an environment; kept as a tree until merged."""
