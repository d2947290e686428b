"""The serving engine, the accelerator under it and how a replica is spread over accelerators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from modelmill.formats import DnsLabel, EnvName, FlagName, QualifiedName, Quantity, Version
from modelmill.record import EMPTY, Record, field
from modelmill.shapes import FreeMapping, Json, Scalar
from modelmill.spec.devices import Claim
from modelmill.spec.pod import EnvValue

EngineType = Literal["vllm", "sglang", "inference-sim", "custom"]


class Engine(Record):
    """The serving engine. Another `type` in a higher layer replaces the engine as a whole."""

    tag = "type"
    one_of = (("args", "argv"),)
    misnomers = {
        "name": "type",
        "flags": "args",
        "arguments": "args",
        "extraArgs": "args",
        "environment": "env",
        "tag": "version",
        "cmd": "command",
    }

    type: EngineType = field(
        "Which engine; the preset of an engine sets it. `custom` is one modelmill does not know, "
        "whose command line is `argv`."
    )
    version: Version | None = field(
        "Engine release, by which flags are known, deprecated or removed: v0.26.0.", default=None
    )
    image: str = field(
        "Image with a tag or digest; `${engine.version}` may stand in it. Where the target is "
        "kserve it may be left to KServe's own presets.",
        default="",
    )
    args: Mapping[FlagName, Json] = field(
        "Engine flags by name, without dashes. true is the bare flag, false its `--no-` form or "
        "absence, a list is a repeated flag or several words, a mapping is written as JSON.",
        default=EMPTY,
    )
    argv: tuple[Scalar, ...] | None = field(
        "The arguments word for word, instead of `args`: no flag is derived or checked.",
        default=None,
    )
    env: Mapping[EnvName, EnvValue] = field(
        "Environment of the engine container by variable name.", default=EMPTY
    )
    vendors: tuple[str, ...] = field(
        "Makers of the accelerators its image is built for; any unless given.", default=()
    )
    command: tuple[str, ...] = field(
        "Entry point, where the image's own is not wanted.", default=()
    )


class Accelerator(Record):
    """An accelerator product. Another `name` in a higher layer replaces it as a whole."""

    tag = "name"
    misnomers = {
        "type": "name",
        "resourceName": "resource",
        "labels": "nodeLabels",
        "gpusPerNode": "perNode",
        "count": "perNode",
    }

    name: str = field("Product, such as nvidia-h100-80gb; `cpu` for none.")
    vendor: str | None = field(
        "Maker, as the llm-d.ai/accelerator-vendor label spells it.", default=None
    )
    resource: QualifiedName | None = field(
        "Extended resource a pod asks for: nvidia.com/gpu. Absent where none is needed (CPU).",
        default=None,
    )
    memory: Quantity | None = field("Memory of one accelerator.", default=None)
    per_node: int | None = field("Accelerators in one node.", default=None, minimum=1)
    node_labels: Mapping[QualifiedName, tuple[str, ...]] = field(
        "Node labels that tell the product, with the values that count: required node affinity.",
        default=EMPTY,
    )
    tolerations: Mapping[str, FreeMapping] = field(
        "Tolerations its nodes need, by taint key.", default=EMPTY
    )
    env: Mapping[EnvName, EnvValue] = field(
        "Environment the product needs; the engine's wins.", default=EMPTY
    )
    allocation: Literal["device-plugin", "dra"] = field(
        "Whether pods ask for `resource`, or claim devices by `claims` (Dynamic Resource "
        "Allocation).",
        default="device-plugin",
    )
    claims: Mapping[DnsLabel, Claim] = field(
        "Claims of devices by name, used where `allocation` is dra. A request's `count` is the "
        "pod's number of accelerators unless given.",
        default=EMPTY,
    )


class Parallelism(Record):
    """How one replica is spread over accelerators. Unset stays unset."""

    misnomers = {
        "tp": "tensor",
        "tensorParallelSize": "tensor",
        "tensor-parallel-size": "tensor",
        "pp": "pipeline",
        "pipelineParallelSize": "pipeline",
        "dp": "data",
        "dataParallelSize": "data",
        "ep": "expert",
        "expertParallel": "expert",
        "data_local": "dataLocal",
        "dataParallelSizeLocal": "dataLocal",
        "dpLocal": "dataLocal",
        "workers": "dataLocal",
    }

    tensor: int | None = field("Tensor parallel size.", default=None, minimum=1)
    pipeline: int | None = field("Pipeline parallel size.", default=None, minimum=1)
    data: int | None = field(
        "Data parallel size: engine ranks in the replica.", default=None, minimum=1
    )
    data_local: int | None = field(
        "Data parallel ranks in one pod; what is left over is other pods of the group.",
        default=None,
        minimum=1,
    )
    expert: bool | None = field(
        "Whether experts of a mixture are spread over the ranks.", default=None
    )
    load_balancing: Literal["internal", "hybrid", "external"] | None = field(
        "Who spreads requests over data parallel ranks: the group's first pod (internal), each pod "
        "over its own ranks (hybrid), or the endpoint picker, each rank having a port (external). "
        "internal unless given.",
        default=None,
    )
    rpc_port: int = field(
        "Port of the first pod at which the pods of a group find each other.",
        default=5555,
        minimum=1,
        maximum=65535,
    )


class KvTransfer(Record):
    """How KV cache moves from prefill to decode; sets engine and routing sidecar alike."""

    noun = "kvTransfer"
    misnomers = {"kv_connector": "connector", "kvConnector": "connector", "backend": "connector"}

    connector: Literal["nixl", "mooncake"] = field("Transfer library.")
    config: FreeMapping = field(
        "Further keys of the engine's transfer configuration.", default=EMPTY
    )
