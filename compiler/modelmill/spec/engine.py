"""The serving engine, the accelerator under it and how a replica is spread over accelerators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from modelmill.formats import EnvName, FlagName, QualifiedName, Quantity, Version
from modelmill.record import EMPTY, Record, field
from modelmill.shapes import FreeMapping, Json
from modelmill.spec.pod import EnvValue

EngineType = Literal["vllm", "sglang", "inference-sim"]


class Engine(Record):
    """The serving engine. Another `type` in a higher layer replaces the engine as a whole."""

    tag = "type"
    misnomers = {
        "name": "type",
        "flags": "args",
        "arguments": "args",
        "extraArgs": "args",
        "environment": "env",
        "tag": "version",
        "cmd": "command",
    }

    type: EngineType = field("Which engine; the preset of an engine sets it.")
    version: Version = field("Engine release, which selects the catalogue of known flags: v0.26.0.")
    image: str = field("Image with a tag or digest; `${engine.version}` may stand in it.")
    args: Mapping[FlagName, Json] = field(
        "Engine flags by name, without dashes. true is the bare flag, false its `--no-` form or "
        "absence, a list is a repeated flag or several words, a mapping is written as JSON.",
        default=EMPTY,
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
    }

    tensor: int | None = field("Tensor parallel size.", default=None, minimum=1)
    pipeline: int | None = field("Pipeline parallel size.", default=None, minimum=1)
    data: int | None = field(
        "Data parallel size: engine ranks in the replica.", default=None, minimum=1
    )
    expert: bool | None = field(
        "Whether experts of a mixture are spread over the ranks.", default=None
    )


class KvTransfer(Record):
    """How KV cache moves from prefill to decode; sets engine and routing sidecar alike."""

    noun = "kvTransfer"
    misnomers = {"kv_connector": "connector", "kvConnector": "connector", "backend": "connector"}

    connector: Literal["nixl", "mooncake"] = field("Transfer library.")
    config: FreeMapping = field(
        "Further keys of the engine's transfer configuration.", default=EMPTY
    )
