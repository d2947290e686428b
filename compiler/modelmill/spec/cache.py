"""Where weights are kept once they are downloaded: on a claim for all pods, or on each node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from modelmill.formats import DnsName, EnvName, Quantity
from modelmill.record import EMPTY, Record, field
from modelmill.spec.pod import EnvValue, Pod, Resources

AccessMode = Literal["ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"]


class CacheClaim(Record):
    """The PersistentVolumeClaim of a cache."""

    noun = "the cache's claim"
    misnomers = {"storageClass": "storageClassName", "storage": "size", "accessMode": "accessModes"}

    size: Quantity | None = field(
        "Space for the weights and adapters; `model.size` unless given.", default=None
    )
    storage_class_name: DnsName | None = field(
        "StorageClass; the cluster's default unless given.", default=None
    )
    access_modes: tuple[AccessMode, ...] = field(
        "Access modes. Pods on several nodes need ReadWriteMany.", default=("ReadWriteMany",)
    )


class NodeCache(Record):
    """A cache on every node that has the roles' accelerators: a DaemonSet fills it."""

    noun = "the cache on nodes"
    misnomers = {"hostPath": "path"}

    path: str = field(
        "Folder of the node that holds hf:// weights. Weights in an image need none: the node "
        "keeps the image.",
        default="/var/lib/modelmill/models",
    )


class Download(Record):
    """What fills a cache: the pods of a Job, or of a DaemonSet on nodes."""

    noun = "the download"
    misnomers = {"ignore": "exclude", "tolerations": "pod", "nodeSelector": "pod"}

    image: str | None = field(
        "Image with the `hf` command of huggingface_hub; the engine's unless given.", default=None
    )
    exclude: tuple[str, ...] = field(
        "Files of the model that are not fetched, as patterns: original/*.", default=()
    )
    env: Mapping[EnvName, EnvValue] = field(
        "Environment of the download: a mirror of the hub, a proxy.", default=EMPTY
    )
    resources: Resources | None = field("Requests and limits of the download.", default=None)
    pod: Pod | None = field(
        "Fields of its pods. Security context and pull secrets are the engine's unless given.",
        default=None,
    )


class Cache(Record):
    """Where downloaded weights are kept. Engines read them there and never ask the hub."""

    noun = "the cache"
    one_of = (("claim", "existingClaim", "node"),)
    misnomers = {
        "persistentVolumeClaim": "claim",
        "pvc": "claim",
        "claimName": "existingClaim",
        "nodes": "node",
        "job": "download",
    }

    claim: CacheClaim | None = field(
        "A claim that is generated, and filled by a Job. It outlives the model.", default=None
    )
    existing_claim: DnsName | None = field(
        "A claim that exists, filled by a Job; models may share one.", default=None
    )
    node: NodeCache | None = field("A cache on every node, filled by a DaemonSet.", default=None)
    download: Download | None = field("How it is filled.", default=None)
