"""KV cache beyond the accelerator's memory: where it is kept, and who is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from modelmill.formats import DnsLabel, DnsName, Quantity
from modelmill.record import EMPTY, Record, field
from modelmill.shapes import FreeMapping
from modelmill.spec.cache import AccessMode


class ScratchTier(Record):
    """Disk of the node that goes with the pod: an emptyDir."""

    noun = "an emptyDir"

    size: Quantity = field("How much of it may be used.")


class ClaimTier(Record):
    """A claim that comes and goes with the pod: an ephemeral volume."""

    noun = "an ephemeral claim"
    misnomers = {"storageClass": "storageClassName", "storage": "size", "accessMode": "accessModes"}

    size: Quantity = field("How much storage is claimed.")
    storage_class_name: DnsName | None = field(
        "StorageClass; the cluster's default unless given.", default=None
    )
    access_modes: tuple[AccessMode, ...] = field("Access modes.", default=("ReadWriteOnce",))


class SharedTier(Record):
    """A claim that exists; pods may share one, and then what each of them computed."""

    noun = "an existing claim"
    misnomers = {"claimName": "name", "subPath": "path"}

    name: DnsName = field("Name of the PersistentVolumeClaim.")
    path: str | None = field("Folder of the claim; all of it unless given.", default=None)


class Tier(Record):
    """A file system that blocks go to when the CPU's memory is full."""

    noun = "a tier"
    one_of = (("emptyDir", "claim", "existingClaim"),)
    misnomers = {"pvc": "claim", "fileSystem": ""}

    empty_dir: ScratchTier | None = field("Disk of the node.", default=None)
    claim: ClaimTier | None = field("A claim that goes with the pod.", default=None)
    existing_claim: SharedTier | None = field("A claim that exists.", default=None)
    threads: int | None = field(
        "Threads that read, and as many that write.", default=None, minimum=1, maximum=1024
    )


class MooncakeStore(Record):
    """A Mooncake store that pods share their KV cache through."""

    noun = "the Mooncake store"

    master_server_address: str = field("Its master: mooncake-master:50051.")
    metadata_server: str = field(
        "Where its clients find each other: http://mooncake-master:8080/metadata, or P2PHANDSHAKE.",
        default="P2PHANDSHAKE",
    )
    protocol: Literal["tcp", "rdma"] = field("How blocks travel.", default="tcp")
    device_name: str = field("RDMA devices; found by the client unless given.", default="")
    local_buffer_size: Quantity = field(
        "Memory that transfers go through, for each rank of a pod.", default="4Gi"
    )


class KvCacheOffloading(Record):
    """Keeps KV cache that the accelerator has no room for. Another `connector` in a higher layer
    replaces it as a whole."""

    noun = "kvCacheOffloading"
    tag = "connector"
    misnomers = {
        "secondary": "tiers",
        "cpuBytesToUse": "cpu",
        "memory": "cpu",
        "backend": "connector",
        "store": "mooncake",
    }

    connector: Literal["native", "lmcache", "mooncake"] = field(
        "What moves blocks: the engine's own code, LMCache, or a Mooncake store.", default="native"
    )
    cpu: Quantity | None = field(
        "Memory of a pod that holds blocks, all its ranks together. Part of the pod's memory "
        "limit, which must leave room for it.",
        default=None,
    )
    eviction_policy: Literal["lru", "arc"] | None = field(
        "Which blocks leave the CPU's memory first; lru unless given.", default=None
    )
    block_size: int | None = field(
        "Tokens that are moved together; a multiple of the engine's block size, which it is unless "
        "given.",
        default=None,
        minimum=1,
    )
    tiers: Mapping[DnsLabel, Tier] = field(
        "File systems behind the CPU's memory, the first one first.", default=EMPTY
    )
    mooncake: MooncakeStore | None = field("The store of connector `mooncake`.", default=None)
    config: FreeMapping = field(
        "Further keys of the connector's `kv_connector_extra_config`, or of SGLang's "
        "`hicache-storage-backend-extra-config`.",
        default=EMPTY,
    )


class KvEvents(Record):
    """Tells the endpoint picker which blocks each pod holds, over ZeroMQ. Topic, address, block
    size and hash seed follow from the model, alike in engine and picker."""

    noun = "kvEvents"
    misnomers = {"endpoint": "port", "replayEndpoint": "replayPort"}

    port: int = field(
        "Port of a pod at which events are had; of several ranks that of the first one.",
        default=5556,
        minimum=1,
        maximum=65535,
    )
    replay_port: int | None = field(
        "Port at which those that were missed are asked for. Unless given it is 5559, or the first "
        "one after those of a pod's ranks.",
        default=None,
        minimum=1,
        maximum=65535,
    )
    topic: str = field("What the topic of an event begins with.", default="kv@")
    config: FreeMapping = field("Further keys of the engine's `kv-events-config`.", default=EMPTY)
