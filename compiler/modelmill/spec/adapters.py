"""LoRA adapters that are served beside the model they were trained for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from modelmill.formats import EnvName
from modelmill.record import EMPTY, Record, field
from modelmill.spec.pod import EnvValue, Resources


class Adapter(Record):
    """A LoRA adapter. The key is its served name: the `model` value of an OpenAI request."""

    noun = "an adapter"
    misnomers = {
        "path": "uri",
        "source": "uri",
        "url": "uri",
        "sha": "revision",
        "commit": "revision",
        "maxRank": "rank",
        "base_model_name": "baseModel",
        "base": "baseModel",
    }

    uri: str = field(
        "Where it is: hf://ORG/ADAPTER, s3://BUCKET/PATH or gs://BUCKET/PATH, which are downloaded "
        "before the engine starts, pvc://CLAIM/PATH, or oci://IMAGE[::PATH]."
    )
    revision: str | None = field("Hugging Face commit, tag or branch to pin.", default=None)
    rank: int | None = field(
        "Its rank: `r` in its adapter_config.json. The largest one is what the engine is made for.",
        default=None,
        minimum=1,
    )
    base_model: str | None = field(
        "Served name of the model it was trained for; `model.name` unless given.", default=None
    )
    pinned: bool = field(
        "Whether it always stays in the accelerator's memory; SGLang's.", default=False
    )
    objective: str | None = field(
        "Objective of requests for it, one of `routing.objectives`; needs a route whose "
        "`matchModel` is model-name.",
        default=None,
    )


class AdapterSync(Record):
    """Adapters that are loaded while engines run, so that a new one restarts no pod. vLLM's."""

    noun = "adapterSync"
    tag = "by"

    by: Literal["sidecar", "resolver"] = field(
        "`sidecar`: a container reads the wanted adapters from a ConfigMap and tells the engine. "
        "`resolver`: the engine looks for an adapter's folder by its name when the first request "
        "asks for it."
    )
    image: str | None = field(
        "Image of the sidecar, kubernetes-sigs/gateway-api-inference-extension's "
        "tools/dynamic-lora-sidecar; upstream publishes none any more.",
        default=None,
    )
    reconcile_trigger: int | None = field(
        "Seconds between looks at the ConfigMap; 5 unless given.", default=None, minimum=1
    )
    health_check_timeout: int | None = field(
        "Seconds the sidecar waits for the engine; 300 unless given.", default=None, minimum=1
    )
    env: Mapping[EnvName, EnvValue] = field("Environment of the sidecar.", default=EMPTY)
    resources: Resources | None = field("Requests and limits of the sidecar.", default=None)
