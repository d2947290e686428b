"""Weights in object stores: who downloads them where, and what opens the bucket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support import SMALL, built, compiled, model, overlay, run, write_files
from test_kinds import VLLM, objects

SGLANG = "engine: {type: sglang, version: v0.5.16, image: 'a/sglang:v1'}\n"
ROLE = "roles: {decode: {}}\n"


def source(uri: str, more: str = "") -> str:
    return f"model: {{name: tiny, uri: {uri}, size: 1Gi{more}}}\n"


def pod(root: Path, spec: str) -> Any:
    return objects(root, spec + ROLE)["Deployment", "tiny-decode"]["spec"]["template"]["spec"]


def env(container: Any) -> dict[str, Any]:
    return {
        each["name"]: each.get("value", each.get("valueFrom")) for each in container.get("env", [])
    }


def test_an_engine_that_can_streams(tmp_path: Path) -> None:
    found = pod(tmp_path, VLLM + source("s3://models/tiny"))
    assert "initContainers" not in found
    assert "volumes" not in found
    assert found["containers"][0]["args"][0] == "s3://models/tiny"


WHO_DOWNLOADS = {
    "asked for": VLLM + source("s3://models/tiny", ", loading: downloaded"),
    "cannot stream": SGLANG + source("s3://models/tiny"),
}


@pytest.mark.parametrize("spec", WHO_DOWNLOADS.values(), ids=WHO_DOWNLOADS)
def test_what_does_not_stream_finds_the_weights_downloaded(tmp_path: Path, spec: str) -> None:
    found = pod(tmp_path, spec)
    (download,) = found["initContainers"]
    assert download["args"] == ["s3://models/tiny/", "/model-cache"]
    (container,) = found["containers"]
    assert any("/model-cache" in word for word in container["args"])
    assert container["resources"]["requests"]["ephemeral-storage"] == "1Gi"
    (mount,) = container["volumeMounts"]
    assert mount["readOnly"]
    assert found["volumes"] == [{"name": "model-storage", "emptyDir": {"sizeLimit": "1Gi"}}]


def test_a_role_streams_where_no_other_must_download(tmp_path: Path) -> None:
    """One environment's engines read alike, whatever those of another need."""
    other = "{roles: {b: {engine: {type: sglang, version: v0.5.16, image: 'a/sglang:v1'}}}}"
    spec = VLLM + source("s3://models/tiny") + "roles: {a: {type: prefill-decode}, "
    spec += "b: {type: prefill-decode}}\n"
    texts = {
        **SMALL,
        "models/tiny.yaml": model("tiny", spec, "[sim]", f"{{dev: {other}}}"),
        "overlays/dev/environment.yaml": overlay("dev"),
    }
    compiled(write_files(tmp_path, texts))
    pods = {
        name: body["spec"]["template"]["spec"]
        for name in ("dev", "prod")
        for body in built(tmp_path / "generated/tiny/overlays" / name)
        if (body["kind"], body["metadata"]["name"]) == ("Deployment", "tiny-a")
    }
    assert pods["prod"]["containers"][0]["args"][0] == "s3://models/tiny"
    assert pods["dev"]["containers"][0]["args"][0] == "/model-cache"
    assert "initContainers" not in pods["prod"]


def test_a_folder_is_not_a_prefix(tmp_path: Path) -> None:
    """The initializer takes all objects that begin so: llama would bring llama-guard along."""
    for number, uri in enumerate(("s3://models/llama", "s3://models/llama/")):
        found = pod(tmp_path / str(number), SGLANG + source(uri))
        assert found["initContainers"][0]["args"][0] == "s3://models/llama/"


def test_keys_of_a_secret_open_s3(tmp_path: Path) -> None:
    more = ", auth: {secretName: keys}, endpoint: 'http://minio:9000'"
    streamed = env(pod(tmp_path / "1", VLLM + source("s3://b/m", more))["containers"][0])
    fetched = env(pod(tmp_path / "2", SGLANG + source("s3://b/m", more))["initContainers"][0])
    for found in (streamed, fetched):
        assert found["AWS_SECRET_ACCESS_KEY"] == {
            "secretKeyRef": {"name": "keys", "key": "AWS_SECRET_ACCESS_KEY"}
        }
        assert found["AWS_ENDPOINT_URL"] == "http://minio:9000"
        assert "HF_TOKEN" not in found
    assert streamed["RUNAI_STREAMER_S3_USE_VIRTUAL_ADDRESSING"] == "0"


def test_engines_do_not_get_keys_they_need_not(tmp_path: Path) -> None:
    found = pod(tmp_path, SGLANG + source("s3://b/m", ", auth: {secretName: keys}"))
    assert "AWS_ACCESS_KEY_ID" not in env(found["containers"][0])


@pytest.mark.parametrize("engine", [VLLM, SGLANG], ids=["streamed", "downloaded"])
def test_a_file_of_a_secret_opens_gs(tmp_path: Path, engine: str) -> None:
    found = pod(tmp_path, engine + source("gs://b/m", ", auth: {secretName: s, secretKey: a.json}"))
    reader = found.get("initContainers", found["containers"])[0]
    path = env(reader)["GOOGLE_APPLICATION_CREDENTIALS"]
    mounts = {each["mountPath"]: each["name"] for each in reader["volumeMounts"]}
    volume = mounts[path.rpartition("/")[0]]
    (secret,) = (each["secret"] for each in found["volumes"] if each["name"] == volume)
    assert secret["items"] == [{"key": "a.json", "path": path.rpartition("/")[2]}]


def test_a_download_knows_region_and_proxy_and_nothing_else(tmp_path: Path) -> None:
    """The engine's image and the initializer's are not the same."""
    engine = (
        "engine:\n  type: sglang\n  version: v0.5.16\n  image: 'a/sglang:v1'\n"
        "  env: {AWS_DEFAULT_REGION: eu-central-1, HTTPS_PROXY: 'http://p', LD_PRELOAD: /x.so}\n"
    )
    found = pod(tmp_path, engine + source("s3://b/m"))
    assert env(found["initContainers"][0]) == {
        "HOME": "/tmp",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "HTTPS_PROXY": "http://p",
    }


def test_a_simulator_downloads_nothing(tmp_path: Path) -> None:
    found = pod(tmp_path, source("s3://b/m", ", loading: downloaded, auth: {secretName: keys}"))
    assert "initContainers" not in found
    assert "env" not in found["containers"][0]


def test_a_cloud_knows_the_pods_by_their_account(tmp_path: Path) -> None:
    spec = VLLM + source("s3://b/m") + "serviceAccount: {annotations: {a.b/role: mine}}\n" + ROLE
    found = objects(tmp_path, spec)
    account = found["ServiceAccount", "tiny"]["metadata"]
    assert account["annotations"] == {"a.b/role": "mine"}
    assert pod(tmp_path / "2", spec.replace(ROLE, ""))["serviceAccountName"] == "tiny"


def test_a_cache_is_filled_by_an_account_that_is_there_before(tmp_path: Path) -> None:
    cache = ", cache: {claim: {}}"
    spec = VLLM + source("s3://b/m", cache) + ROLE
    plain = objects(tmp_path / "1", spec)
    known = objects(tmp_path / "2", spec + "serviceAccount: {annotations: {a.b/role: mine}}\n")
    for found, account in ((plain, "default"), (known, "tiny")):
        (job,) = (body for (kind, _), body in found.items() if kind == "Job")
        assert job["spec"]["template"]["spec"]["serviceAccountName"] == account
        wave = "argocd.argoproj.io/sync-wave"
        made = found["ServiceAccount", "tiny"]["metadata"].get("annotations", {}).get(wave)
        assert (made is not None) == (account == "tiny")
        # Within a wave Argo CD makes accounts before Jobs.
        assert made is None or int(made) <= int(job["metadata"]["annotations"][wave])


def test_engines_read_a_bucket_from_its_cache(tmp_path: Path) -> None:
    spec = VLLM + source("s3://b/m", ", auth: {secretName: keys}, cache: {claim: {}}")
    found = pod(tmp_path, spec)
    (wait,) = found["initContainers"]
    assert wait["name"] == "wait-for-weights"
    (container,) = found["containers"]
    assert container["args"][0].startswith("/model-cache/objects/")
    assert "--load-format=runai_streamer" not in container["args"]
    assert "env" not in container


def test_an_image_of_ones_own_downloads(tmp_path: Path) -> None:
    project = SMALL["modelmill.yaml"].replace(
        "{set: llm-d-v0.9}", "{set: llm-d-v0.9, images: {storageInitializer: 'a/fetch:v1'}}"
    )
    texts = {
        **SMALL,
        "modelmill.yaml": project,
        "models/tiny.yaml": model("tiny", SGLANG + source("s3://b/m") + ROLE, "[sim]"),
    }
    assert "image: a/fetch:v1" in run(write_files(tmp_path, texts), "render", "tiny").stdout
