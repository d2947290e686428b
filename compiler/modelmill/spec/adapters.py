"""LoRA adapters that are served beside the model they were trained for."""

from __future__ import annotations

from modelmill.record import Record, field


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
        "Where it is: hf://ORG/ADAPTER, which is downloaded before the engine starts, "
        "pvc://CLAIM/PATH, or oci://IMAGE[::PATH]."
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
