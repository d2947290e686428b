"""What a role's fields become on each engine's command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from modelmill.catalogues import engine_catalogue
from modelmill.diagnostics import did_you_mean
from modelmill.engines import ENGINES, MODULES, Launch
from modelmill.engines.flags import render
from modelmill.model_uri import UriFault, parse_uri
from modelmill.shapes import Problems
from modelmill.spec.role import Role
from support import tree


def launch(
    role: str = "{}", role_type: str = "prefill-decode", uri: str = "hf://acme/Big"
) -> Launch:
    problems = Problems(partial=True)
    decoded = Role.shape().decode(tree(role), problems)
    assert not problems.found, problems.found
    return Launch(decoded, role_type, "acme/big", parse_uri(uri, "/models"), "abc", 8000)


def words(engine: str, flags: Mapping[str, Any]) -> list[str]:
    return render(engine_catalogue(engine), flags)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_derived_flag_is_the_engines_own(engine: str) -> None:
    """A flag of ours that its engine does not know would stop it at start-up."""
    catalogue, module = engine_catalogue(engine), ENGINES[engine]
    for transfer in ("", "kvTransfer: {connector: nixl}", "kvTransfer: {connector: mooncake}"):
        for role_type in ("prefill", "decode", "prefill-decode"):
            role = f"parallelism: {{tensor: 2, pipeline: 2, data: 2, expert: true}}\n{transfer}"
            for name in module.flags(launch(role, role_type)):
                flag = catalogue.find(name)
                assert flag is not None, (name, did_you_mean(name, catalogue.flags))
                assert not flag.removed
                assert flag.owner or name in ("host", "enable-metrics"), (
                    f"`{name}` is derived, so nobody else may set it"
                )


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.NAME))
def test_an_engine_is_complete(module: Any) -> None:
    for path in (module.METRICS_PATH, module.LIVENESS_PATH, module.READINESS_PATH):
        assert path.startswith("/") or module.NAME == "custom"
    assert module.SIDECAR_CONNECTORS.keys() == {"nixl", "mooncake"}


STARTS = {
    "vllm": (
        "vllm",
        "{}",
        ["vllm", "serve"],
        ["acme/Big"],
        ["--port=8000", "--revision=abc", "--served-model-name=acme/big"],
    ),
    "vllm-spread": (
        "vllm",
        "parallelism: {tensor: 4, data: 2, expert: true}",
        ["vllm", "serve"],
        ["acme/Big"],
        [
            "--data-parallel-size=2",
            "--enable-expert-parallel",
            "--port=8000",
            "--revision=abc",
            "--served-model-name=acme/big",
            "--tensor-parallel-size=4",
        ],
    ),
    "sglang": (
        "sglang",
        "parallelism: {tensor: 4}",
        ["python3", "-m", "sglang.launch_server"],
        [],
        [
            "--enable-metrics",
            "--host=0.0.0.0",
            "--model-path=acme/Big",
            "--port=8000",
            "--revision=abc",
            "--served-model-name=acme/big",
            "--tensor-parallel-size=4",
        ],
    ),
    "inference-sim": (
        "inference-sim",
        "parallelism: {tensor: 4}",
        [],
        [],
        ["--model=acme/big", "--port=8000", "--served-model-name=acme/big"],
    ),
}


@pytest.mark.parametrize(
    ("engine", "role", "command", "positional", "flags"), STARTS.values(), ids=STARTS
)
def test_start(
    engine: str, role: str, command: list[str], positional: list[str], flags: list[str]
) -> None:
    module, given = ENGINES[engine], launch(role)
    assert module.command(given) == command
    assert module.positional(given) == positional
    assert words(engine, module.flags(given)) == flags


@pytest.mark.parametrize(
    ("connector", "role_type", "kv_role"),
    [
        ("nixl", "prefill", "kv_both"),
        ("nixl", "decode", "kv_both"),
        ("mooncake", "prefill", "kv_producer"),
        ("mooncake", "decode", "kv_consumer"),
        ("mooncake", "prefill-decode", "kv_both"),
    ],
)
def test_kv_transfer_of_vllm(connector: str, role_type: str, kv_role: str) -> None:
    given = launch(f"kvTransfer: {{connector: {connector}, config: {{x: 1}}}}", role_type)
    found = ENGINES["vllm"].flags(given)["kv-transfer-config"]
    assert found["kv_role"] == kv_role
    assert found["x"] == 1


@pytest.mark.parametrize(("role_type", "mode"), [("prefill", "prefill"), ("decode", "decode")])
def test_kv_transfer_of_sglang(role_type: str, mode: str) -> None:
    flags = ENGINES["sglang"].flags(launch("kvTransfer: {connector: mooncake}", role_type))
    assert flags["disaggregation-mode"] == mode
    assert flags["disaggregation-transfer-backend"] == "mooncake"


def test_a_revision_is_of_the_hub_only() -> None:
    for engine in ("vllm", "sglang"):
        assert "revision" not in ENGINES[engine].flags(launch(uri="pvc://claim/path"))


# Words

WORDS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "sorted": ({"port": 1, "max-model-len": 2}, ["--max-model-len=2", "--port=1"]),
    "true": ({"enable-prefix-caching": True}, ["--enable-prefix-caching"]),
    "false-of-a-switch": ({"enable-prefix-caching": False}, ["--no-enable-prefix-caching"]),
    "false-of-an-unknown-flag": ({"tomorrow": False}, []),
    "null": ({"max-model-len": None}, []),
    "zero": ({"max-model-len": 0}, ["--max-model-len=0"]),
    "empty-text": ({"dtype": ""}, ["--dtype="]),
    "blanks": ({"tomorrow": "a b"}, ["--tomorrow=a b"]),
    "fraction": ({"gpu-memory-utilization": 0.95}, ["--gpu-memory-utilization=0.95"]),
    "a-mapping-is-json": (
        {"tomorrow": {"b": [1, True], "a": None}},
        ['--tomorrow={"a":null,"b":[1,true]}'],
    ),
    "not-ascii": ({"tomorrow": {"é": "😀"}}, ['--tomorrow={"é":"😀"}']),
    "a-list-of-an-unknown-flag-repeats": (
        {"tomorrow": ["a", 1, True]},
        ["--tomorrow=a", "--tomorrow=1", "--tomorrow=true"],
    ),
    "an-empty-list": ({"tomorrow": []}, []),
}


@pytest.mark.parametrize(("flags", "want"), WORDS.values(), ids=WORDS)
def test_words(flags: dict[str, Any], want: list[str]) -> None:
    assert words("vllm", flags) == want


# Where weights are

URIS = {
    "hf://o/m": ("hf", "o/m", ""),
    "hf://gpt2": ("hf", "gpt2", ""),
    "pvc://c/a/b/": ("pvc", "/models/a/b", ""),
    "pvc+hf://c/hub/o/m": ("pvc+hf", "o/m", "/models/hub"),
    "pvc+hf://c/o/m": ("pvc+hf", "o/m", "/models"),
    "oci://ghcr.io/o/m@sha256:00": ("oci", "/models", ""),
}


@pytest.mark.parametrize(("uri", "want"), URIS.items(), ids=URIS)
def test_uri(uri: str, want: tuple[str, str, str]) -> None:
    found = parse_uri(uri, "/models/")
    assert (found.scheme, found.argument) == want[:2]
    if want[2]:
        assert found.hub_cache == want[2]


BAD_URIS = {
    "o/m": "write hf://o/m",
    "model": "schemes are hf://",
    "http://x/y": "schemes are hf://",
    "HF://o/m": "schemes are hf://",
    "hf://": "for example hf://",
    "hf://o/m/x": "for example hf://",
    "hf://o m": "for example hf://",
    "hf:///o/m": "for example hf://",
    "pvc://claim": "for example pvc://",
    "pvc://Claim/a": "for example pvc://",
    "pvc://claim/../../etc": "for example pvc://",
    "pvc://claim/a//b": "for example pvc://",
    "pvc://claim/a\nb": "for example pvc://",
    "pvc+hf://claim/m": "for example pvc+hf://",
    "oci://": "for example oci://",
}


@pytest.mark.parametrize(("uri", "hint"), BAD_URIS.items(), ids=BAD_URIS)
def test_bad_uri(uri: str, hint: str) -> None:
    with pytest.raises(UriFault) as caught:
        parse_uri(uri, "/models")
    assert caught.value.hint.startswith(hint)
