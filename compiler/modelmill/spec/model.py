"""What is served: the model's name, its weights and how they are fetched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from modelmill.formats import DnsName, Quantity, ServedName
from modelmill.record import EMPTY, Record, field
from modelmill.spec.adapters import Adapter, AdapterSync
from modelmill.spec.cache import Cache


class Auth(Record):
    """The Secret with what a download must show: the Hugging Face token of hf://, the keys of an
    object store. Secrets are referred to, never written."""

    noun = "auth"
    misnomers = {"secret": "secretName", "key": "secretKey", "name": "secretName"}

    secret_name: DnsName = field("Name of the Secret in the model's namespace.")
    secret_key: str = field(
        "Key in the Secret: of a token, or of a service account's file for gs://.",
        default="HF_TOKEN",
    )


class ModelSource(Record):
    """The model: its served name and where its weights are."""

    noun = "model"
    misnomers = {
        "servedModelName": "name",
        "served_model_name": "name",
        "id": "name",
        "source": "uri",
        "url": "uri",
        "path": "uri",
        "repo": "uri",
        "sha": "revision",
        "commit": "revision",
        "authSecretName": "auth",
        "secretName": "auth",
        "storage": "size",
        "lora": "adapters",
        "loraModules": "adapters",
        "modelCache": "cache",
    }

    name: ServedName = field("Served name: the `model` value of an OpenAI request.")
    uri: str = field(
        "Where the weights are: hf://ORG/MODEL, pvc://CLAIM/PATH, pvc+hf://CLAIM/HUB-DIR/ORG/MODEL "
        "(a Hugging Face cache on a claim), oci://IMAGE[::PATH] (a path in the image), or "
        "s3://BUCKET/PATH and gs://BUCKET/PATH, object stores."
    )
    revision: str | None = field("Hugging Face commit, tag or branch to pin.", default=None)
    size: Quantity | None = field(
        "Space for downloaded weights: the size limit of the emptyDir of an hf:// model.",
        default=None,
    )
    loading: Literal["streamed", "downloaded"] | None = field(
        "How weights of an object store reach an engine: it streams them, or they are downloaded "
        "before it starts. Streamed unless given, where the engine can.",
        default=None,
    )
    endpoint: str | None = field(
        "Address of an S3 that is not Amazon's: https://minio.storage.svc:9000.", default=None
    )
    mount_path: str = field("Where the weights are mounted.", default="/model-cache")
    mounted: bool = field(
        "Whether engines have the weights' volume; without it they load them on their own.",
        default=True,
    )
    read_only: bool = field("Whether a pvc:// claim is mounted read-only.", default=True)
    auth: Auth | None = field("Credentials for the download.", default=None)
    adapters: Mapping[ServedName, Adapter] = field(
        "LoRA adapters by served name. How many one batch may use, and how many stay in memory, "
        "are the engine's `max-loras` and `max-cpu-loras`; more may be declared.",
        default=EMPTY,
    )
    adapter_sync: AdapterSync | None = field(
        "How adapters are loaded while engines run; before they start, unless given.", default=None
    )
    cache: Cache | None = field(
        "Keeps downloaded weights and adapters in the cluster, fetched once.", default=None
    )
