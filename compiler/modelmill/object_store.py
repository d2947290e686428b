"""Weights and adapters in object stores, s3:// and gs://: what fetches them, and by which keys.

In: a variant, or its model. Out: a container that downloads, credentials and address of the store
as environment and volumes. Who needs them, `model_cache` and `adapters` know.

What downloads is KServe's storage initializer (kserve/kserve, python/storage). An engine that
streams has a client of its own, the Run:ai Model Streamer (vLLM docs/models/extensions/
runai_model_streamer.md), which reads the same variables and two more.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from modelmill.containers import Manifest, container_fields, env_list, resources
from modelmill.hashes import sha256
from modelmill.model_uri import OBJECT_STORES
from modelmill.names import label_value
from modelmill.record import EMPTY
from modelmill.regexes import regex
from modelmill.spec.model import ModelSource
from modelmill.spec.pod import Resources
from modelmill.variant import Variant

IMAGE = "storageInitializer"
ENTRY_POINT = "/storage-initializer/scripts/initializer-entrypoint"
S3_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
"""Keys of the Secret, and the variables they are (boto3, AWS SDK for C++)."""
CREDENTIALS = "bucket-credentials"
CREDENTIALS_PATH = f"/etc/{CREDENTIALS}"
SERVICE_ACCOUNT_FILE = "key.json"
# Four processes with ten threads each; what they write counts as memory only while there is some.
RESOURCES = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "4Gi"}}
_is_for_a_store = regex(
    r"AWS_.*|S3_.*|GOOGLE_.*|CLOUDSDK_.*|awsAnonymousCredential|(HTTPS?|NO)_PROXY|(https?|no)_proxy"
)


def scheme_of(uri: str) -> str:
    """s3 or gs; "" for what is in no object store."""
    scheme, _, _ = uri.partition("://")
    return scheme if scheme in OBJECT_STORES else ""


def folder(uri: str) -> str:
    """Folder of a cache for what stands at `uri`, which nothing else has."""
    digest = sha256(uri)[:8]
    return f"objects/{label_value(uri)}-{digest}"


def secret_keys(model: ModelSource) -> tuple[str, ...]:
    """Keys that the Secret of `model.auth` must have."""
    if model.auth is None:
        return ()
    return S3_KEYS if scheme_of(model.uri) == "s3" else (model.auth.secret_key,)


def env(model: ModelSource) -> dict[str, Any]:
    """Credentials and address of the model's store. Without `auth` they are the pod's own: a cloud
    knows its ServiceAccount."""
    scheme, auth = scheme_of(model.uri), model.auth
    found: dict[str, Any] = {}
    if scheme == "s3" and auth is not None:
        for name in S3_KEYS:
            found[name] = {"valueFrom": {"secretKeyRef": {"name": auth.secret_name, "key": name}}}
    if scheme == "gs" and auth is not None:
        found["GOOGLE_APPLICATION_CREDENTIALS"] = f"{CREDENTIALS_PATH}/{SERVICE_ACCOUNT_FILE}"
    if model.endpoint is not None:
        found["AWS_ENDPOINT_URL"] = model.endpoint
    return found


def streaming_env(model: ModelSource) -> dict[str, Any]:
    """The environment of an engine that streams. Stores that are not Amazon's have the bucket in
    the path, and no service that tells a machine its region."""
    own = scheme_of(model.uri) == "s3" and model.endpoint is not None
    other = {"RUNAI_STREAMER_S3_USE_VIRTUAL_ADDRESSING": "0", "AWS_EC2_METADATA_DISABLED": "true"}
    return {**env(model), **(other if own else {})}


def volumes(model: ModelSource) -> list[Manifest]:
    """The key of a Google service account, where `auth` has one."""
    if model.auth is None or scheme_of(model.uri) != "gs":
        return []
    item = {"key": model.auth.secret_key, "path": SERVICE_ACCOUNT_FILE}
    secret = {"secretName": model.auth.secret_name, "items": [item]}
    return [{"name": CREDENTIALS, "secret": secret}]


def mounts(model: ModelSource) -> list[Manifest]:
    return [
        {"name": each["name"], "mountPath": CREDENTIALS_PATH, "readOnly": True}
        for each in volumes(model)
    ]


def for_a_store(env: Mapping[str, Any]) -> dict[str, Any]:
    """What an engine's environment says of stores and proxies, which holds for a download too."""
    return {name: value for name, value in env.items() if _is_for_a_store.fullmatch(name)}


def fetch_container(
    variant: Variant,
    name: str,
    wanted: Mapping[str, str],
    into: Sequence[Manifest],
    *,
    further_env: Mapping[str, Any] = EMPTY,
    asked: Resources | None = None,
    unless: str = "",
) -> Manifest:
    """A container that downloads what stands at each of `wanted`'s URIs into the folder that is its
    key. `into`: the mounts these folders are on. `unless`: a file that says all is there."""
    model = variant.spec.model
    # With the slash the folder itself is meant: else llama would bring llama-guard along.
    pairs = [word for path, uri in wanted.items() for word in (f"{uri.rstrip('/')}/", path)]
    derived: Manifest = {"args": pairs}
    if unless:
        # The initializer makes a folder, not those above it.
        script = f'[ -e "$0" ] || {{ mkdir -p {_above(wanted)} && exec {ENTRY_POINT} "$@"; }}'
        derived = {"command": ["/bin/sh", "-ec", script, unless], "args": pairs}
    return {
        "name": name,
        "image": variant.image(IMAGE, None),
        **derived,
        "env": env_list({"HOME": "/tmp", **env(model), **further_env}),
        "resources": resources(asked) if asked else RESOURCES,
        **container_fields(None),
        "volumeMounts": [*into, *mounts(model)],
    }


def _above(wanted: Mapping[str, str]) -> str:
    return shlex.join(sorted({path.rpartition("/")[0] for path in wanted}))
