"""The engine flag catalogues: well formed, and they know every flag the upstream guides use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

DATA = Path(__file__).parent.parent / "compiler/modelmill/data/engines"
ENGINES = ["vllm", "sglang", "inference-sim"]
TYPES = {"string", "integer", "number", "any", "json", "switch", "flag", "words", "repeat"}
KEYS = {"type", "choices", "owner", "since", "deprecated", "removed", "use", "renamed"}
OWNERS = {
    "model.uri",
    "model.name",
    "model.revision",
    "model.adapters",
    "routing.port",
    "routing.tls",
    "parallelism.tensor",
    "parallelism.pipeline",
    "parallelism.data",
    "parallelism.dataLocal",
    "parallelism.expert",
    "parallelism.loadBalancing",
    "parallelism.rpcPort",
    "worker",
    "kvTransfer",
    "kvCacheOffloading",
    "kvCacheOffloading.connector",
    "kvCacheOffloading.cpu",
    "kvEvents",
    "tracing",
    "tracing.detail",
    "tracing.endpoint",
}

USED = {
    "vllm": """
        --all2all-backend --api-server-count --block-size --config --data-parallel-address
        --data-parallel-hybrid-lb --data-parallel-multi-port-external-lb --data-parallel-rpc-port
        --data-parallel-size --data-parallel-size-local --data-parallel-start-rank
        --data-parallel-supervisor-port --dbo-decode-token-threshold
        --disable-access-log-for-endpoints --disable-log-requests --disable-sliding-window
        --disable-uvicorn-access-log --dtype --ec-transfer-config --enable-auto-tool-choice
        --enable-dbo --enable-ep-weight-filter --enable-expert-parallel --enable-log-outputs
        --enable-log-requests --enable-lora --enable-prefix-caching --enable-ssl-refresh
        --enforce-eager --gpu-memory-util --gpu-memory-utilization --headless --host
        --kv-cache-dtype --kv-events-config --kv-transfer-config --kv_transfer_config --load-format
        --lora-modules --max-loras --max-model-len --max-num-batched-token
        --max-num-batched-tokens --max-num-seq --max-num-seqs --max-seq-len-to-capture
        --mm-encoder-only --model --model-loader-extra-config --moe-backend
        --no-disable-hybrid-kv-cache-manager --no-enable-log-requests --no-enable-prefix-caching
        --override-generation-config --pipeline-parallel-size --port --prefix-caching-hash-algo
        --quantization --reasoning-parser --served-model-name --shutdown-timeout
        --speculative-config --ssl-certfile --ssl-keyfile --tensor-parallel-size
        --tool-call-parser --trust-remote-code
    """,
    "sglang": """
        --disaggregation-mode --disaggregation-transfer-backend --enable-metrics --host
        --mem-fraction-static --model --model-path --port --served-model-name
        --tensor-parallel-size --tp --tp-size
    """,
    "inference-sim": """
        --block-size --config --data-parallel-size --enable-kvcache --enforce-eager
        --event-batch-size --force-dummy-tokenizer --hash-seed --inter-token-latency
        --kv-cache-transfer-latency --kv-cache-transfer-time-per-token --lora-modules
        --max-model-len --max-num-seqs --mm-encoder-only --mode --model --no-enable-prefix-caching
        --port --prefill-time-per-token --served-model-name --ssl-certfile --ssl-keyfile
        --startup-duration --time-to-first-token --zmq-endpoint
    """,
}


def load(engine: str) -> dict[str, Any]:
    catalogue = yaml.safe_load((DATA / f"{engine}.yaml").read_text(encoding="utf-8"))
    assert isinstance(catalogue, dict)
    return catalogue


def known(catalogue: dict[str, Any], flag: str) -> bool:
    """Whether the engine takes the flag: by its name, an alias, or as the `--no-` of a switch."""
    flags, aliases = catalogue["flags"], catalogue["aliases"]
    name = flag.removeprefix("--")
    if name in flags or name in aliases:
        return True
    positive = name.removeprefix("no-")
    return positive != name and flags.get(positive, {}).get("type") == "switch"


def test_each_file_is_an_engine() -> None:
    assert sorted(p.stem for p in DATA.glob("*.yaml")) == sorted(ENGINES)


@pytest.mark.parametrize("engine", ENGINES)
def test_head(engine: str) -> None:
    catalogue = load(engine)
    assert list(catalogue) == ["engine", "latest", "flags", "aliases"]
    assert catalogue["engine"] == engine
    assert catalogue["latest"].startswith("v")


@pytest.mark.parametrize("engine", ENGINES)
def test_flags_have_known_keys_and_types(engine: str) -> None:
    for name, flag in load(engine)["flags"].items():
        assert isinstance(name, str), name
        assert set(flag) <= KEYS, name
        assert flag["type"] in TYPES, name
        assert "use" in flag or not flag.get("renamed"), name
        assert flag.get("owner", "kvTransfer") in OWNERS, name
        for key in ("since", "deprecated", "removed"):
            assert str(flag.get(key, "v0.1.0")).startswith("v"), (name, key)


@pytest.mark.parametrize("engine", ENGINES)
def test_choices_are_of_the_flag_s_type(engine: str) -> None:
    for name, flag in load(engine)["flags"].items():
        if "choices" in flag:
            expected = {"string": str, "integer": int}[flag["type"]]
            assert flag["choices"], name
            assert all(type(choice) is expected for choice in flag["choices"]), name


@pytest.mark.parametrize("engine", ENGINES)
def test_one_line_per_flag_sorted_and_written_once(engine: str) -> None:
    catalogue = load(engine)
    lines = (DATA / f"{engine}.yaml").read_text(encoding="utf-8").splitlines()
    entries = [line for line in lines if line.startswith("  ")]
    assert len(entries) == len(catalogue["flags"]) + len(catalogue["aliases"])
    assert list(catalogue["flags"]) == sorted(catalogue["flags"])
    assert list(catalogue["aliases"]) == sorted(catalogue["aliases"])


@pytest.mark.parametrize("engine", ENGINES)
def test_aliases_lead_to_flags(engine: str) -> None:
    catalogue = load(engine)
    assert not set(catalogue["aliases"]) & set(catalogue["flags"])
    assert set(catalogue["aliases"].values()) <= set(catalogue["flags"])


@pytest.mark.parametrize("engine", ENGINES)
def test_replacements_are_current_flags(engine: str) -> None:
    flags = load(engine)["flags"]
    for name, flag in flags.items():
        if "use" in flag:
            assert "deprecated" in flag or "removed" in flag, name
            assert "removed" not in flags[flag["use"]], name
            assert "deprecated" not in flags[flag["use"]], name


@pytest.mark.parametrize("engine", ENGINES)
def test_no_flag_is_the_negative_of_a_switch(engine: str) -> None:
    flags = load(engine)["flags"]
    switches = {name for name, flag in flags.items() if flag["type"] == "switch"}
    assert not [name for name in flags if name.removeprefix("no-") in switches - {name}]


@pytest.mark.parametrize(
    ("engine", "flag"), [(engine, flag) for engine in ENGINES for flag in USED[engine].split()]
)
def test_flags_of_the_guides_are_known(engine: str, flag: str) -> None:
    assert known(load(engine), flag)


@pytest.mark.parametrize(
    ("engine", "name", "owner"),
    [
        ("vllm", "model", "model.uri"),
        ("vllm", "model-tag", "model.uri"),
        ("vllm", "served-model-name", "model.name"),
        ("vllm", "tensor-parallel-size", "parallelism.tensor"),
        ("vllm", "data-parallel-size-local", "parallelism.dataLocal"),
        ("vllm", "enable-expert-parallel", "parallelism.expert"),
        ("vllm", "kv-transfer-config", "kvTransfer"),
        ("vllm", "data-parallel-address", "worker"),
        ("vllm", "data-parallel-hybrid-lb", "parallelism.loadBalancing"),
        ("vllm", "headless", "worker"),
        ("vllm", "all2all-backend", None),
        ("sglang", "tp-size", "parallelism.tensor"),
        ("sglang", "ep-size", "parallelism.expert"),
        ("sglang", "enable-dp-attention", None),
        ("sglang", "disaggregation-mode", "kvTransfer"),
        ("inference-sim", "data-parallel-size", "parallelism.data"),
    ],
)
def test_owners(engine: str, name: str, owner: str | None) -> None:
    assert load(engine)["flags"][name].get("owner") == owner
