"""`modelmill explain`: every value leads back to the line that decided it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from support import PROJECT, model, overlay, preset, run, run_apart, write_files

BASE = preset(
    "base",
    """
    engine:
      type: vllm
      version: v0.26.0
      image: "docker.io/vllm/vllm-openai:${engine.version}"
      args: {max-model-len: 1024, seed: 7}
      env: {HF_TOKEN: base-token-literal}
    accelerator: {name: nvidia-h100-80gb, resource: nvidia.com/gpu, perNode: 8}
    probes: {startup: {httpGet: {path: /old}, periodSeconds: 5}}
    """,
)
CHILD = preset("child", "engine: {args: {max-model-len: 2048}}", "[base]")
SMALLER = preset(
    "smaller", "accelerator: {name: nvidia-l40s, resource: nvidia.com/gpu, perNode: 4}"
)
SIM = preset(
    "sim",
    """
    engine: {type: inference-sim, version: v0.10.2, image: "ghcr.io/acme/sim:${engine.version}"}
    accelerator: {name: cpu}
    """,
)
LLAMA = model(
    "llama",
    """
    engine:
      args: {max-model-len: 4096, seed: null}
      env: {NAME: "${metadata.name}-${model.name}", COPY: "x ${engine.env.HF_TOKEN} y"}
    probes: {startup: {exec: {command: ["true"]}}}
    kvTransfer: {connector: nixl}
    roles:
      decode: {replicas: 2, parallelism: {tensor: 4}}
      prefill: {extends: [smaller], parallelism: {tensor: 2}}
    """,
    "[child]",
    "{prod: {engine: {args: {max-model-len: 16384}}, roles: {decode: {replicas: 8}}}}",
)
FILES = {
    "modelmill.yaml": PROJECT,
    "presets/base.yaml": BASE,
    "presets/child.yaml": CHILD,
    "presets/smaller.yaml": SMALLER,
    "presets/sim.yaml": SIM,
    "models/llama.yaml": LLAMA,
    "models/other.yaml": model("other", "roles: {decode: {replicas: 3}}", "[base]"),
    "overlays/prod/environment.yaml": overlay("prod", "engine: {args: {max-model-len: 8192}}"),
    "overlays/sim/environment.yaml": overlay("sim", extends="[sim]"),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_files(tmp_path_factory.mktemp("repository"), FILES)


def explained(root: Path, *arguments: str) -> str:
    ran = run(root, "explain", *arguments)
    assert ran.status == 0, ran.stderr
    return ran.stdout


def values(root: Path, *arguments: str) -> list[dict[str, Any]]:
    document = json.loads(explained(root, *arguments, "--format", "json"))
    assert document["version"] == 1
    found: list[dict[str, Any]] = document["values"]
    return found


def layers(value: dict[str, Any]) -> list[tuple[str, str | None, Any]]:
    return [(s["layer"]["name"], s["layer"]["environment"], s["text"]) for s in value["steps"]]


def test_every_leaf_names_the_place_that_decided_it(root: Path) -> None:
    listing = explained(root, "llama", "-e", "prod")
    line = next(x for x in listing.splitlines() if x.startswith("roles.decode.replicas"))
    assert re.fullmatch(r"roles\.decode\.replicas = 8 +models/llama\.yaml:\d+:\d+", line)
    for text in listing.splitlines():
        path, number, column = text.split("  ")[-1].strip().split(":")
        assert column.isdigit()
        assert (root / path).read_text().splitlines()[int(number) - 1]


def test_the_chain_goes_from_entry_over_overlay_and_model_to_each_preset(root: Path) -> None:
    (decode, prefill) = values(root, "llama", "-e", "prod", "engine.args.max-model-len")
    assert decode["path"] == "roles.decode.engine.args.max-model-len"
    assert prefill["path"] == "roles.prefill.engine.args.max-model-len"
    assert layers(decode) == [
        ("llama", "prod", 16384),
        ("prod", None, 8192),
        ("llama", None, 4096),
        ("child", None, 2048),
        ("base", None, 1024),
    ]
    assert decode["value"] == 16384


def test_the_chain_is_told_in_words(root: Path) -> None:
    text = explained(root, "llama", "-e", "prod", "roles.decode.replicas")
    assert text.splitlines()[0] == "roles.decode.replicas = 8"
    assert re.search(
        r"set +models/llama\.yaml:\d+:\d+ +8 +model `llama`, its entry for `prod`", text
    )
    assert re.search(r"over +models/llama\.yaml:\d+:\d+ +2 +model `llama`\n", text)


def test_what_null_took_away_is_told_with_what_it_was(root: Path) -> None:
    (decode, _) = values(root, "llama", "engine.args.seed")
    assert not decode["set"]
    assert [(s["act"], s["text"]) for s in decode["steps"]] == [("unset", None), ("set", 7)]
    assert "seed = (not set)" in explained(root, "llama", "engine.args.seed")


def test_a_member_of_a_one_of_takes_its_rival_away(root: Path) -> None:
    (decode, _) = values(root, "llama", "probes.startup.httpGet.path")
    assert not decode["set"]
    assert [s["act"] for s in decode["steps"]] == ["replaced", "set"]
    assert decode["steps"][0]["layer"]["name"] == "llama"
    assert decode["steps"][1]["text"] == "/old"
    (kept, _) = values(root, "llama", "probes.startup.periodSeconds")
    assert layers(kept) == [("base", None, 5)]


def test_another_engine_replaces_all_of_the_engine(root: Path) -> None:
    (decode, _) = values(root, "llama", "-e", "sim", "engine.image")
    assert decode["value"] == "ghcr.io/acme/sim:v0.10.2"
    below = decode["steps"][1]
    assert below["layer"]["name"] == "base"
    assert below["whole"] == "roles.decode.engine"
    (gone, _) = values(root, "llama", "-e", "sim", "engine.args.max-model-len")
    assert not gone["set"]
    assert gone["steps"][0]["act"] == "replaced"
    assert [s["text"] for s in gone["steps"][1:]] == [4096, 2048, 1024]


def test_a_replaced_engine_is_remembered_when_a_later_layer_merges_into_the_new_one(
    tmp_path: Path,
) -> None:
    entry = "{sim: {engine: {args: {max-model-len: 64}}}}"
    spec = "roles: {decode: {replicas: 1}}"
    files = {**FILES, "models/llama.yaml": model("llama", spec, "[base]", entry)}
    (decode,) = values(write_files(tmp_path, files), "llama", "-e", "sim", "engine.image")
    assert [s["layer"]["name"] for s in decode["steps"]] == ["sim", "base"]


def test_a_reference_leads_to_what_it_refers_to(root: Path) -> None:
    (decode, _) = values(root, "llama", "engine.image")
    assert decode["steps"][0]["text"] == "docker.io/vllm/vllm-openai:${engine.version}"
    (reference,) = decode["references"]
    assert reference["text"] == "${engine.version}"
    assert reference["path"] == "roles.decode.engine.version"
    assert reference["value"] == "v0.26.0"
    assert reference["place"]["path"] == "presets/base.yaml"


def test_references_beside_the_spec_lead_to_their_document(root: Path) -> None:
    (name, _) = values(root, "llama", "engine.env.NAME")
    assert [(r["path"], r["value"]) for r in name["references"]] == [
        ("metadata.name", "llama"),
        ("model.name", "acme/llama"),
    ]


def test_a_preset_of_one_role_is_in_that_role_alone(root: Path) -> None:
    (decode, prefill) = values(root, "llama", "accelerator.name")
    assert layers(decode) == [("base", None, "nvidia-h100-80gb")]
    assert [s["layer"]["name"] for s in prefill["steps"]] == ["smaller", "base"]


def test_keys_with_dots_are_quoted_as_references_quote_them(tmp_path: Path) -> None:
    spec = 'roles: {decode: {pod: {labels: {"a.b/c": x}}}}'
    files = {**FILES, "models/other.yaml": model("other", spec, "[base]")}
    root = write_files(tmp_path, files)
    text = explained(root, "other", 'roles.decode.pod.labels["a.b/c"]')
    assert text.startswith('roles.decode.pod.labels["a.b/c"] = x\n')


def test_a_path_may_start_at_spec_as_in_the_file(root: Path) -> None:
    assert explained(root, "llama", "spec.roles.decode.replicas") == explained(
        root, "llama", "roles.decode.replicas"
    )


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("roles.decode.replica", "there is no `roles.decode.replica`; did you mean `replicas`?"),
        ("roles.decod.replicas", "there is no `roles.decod`; did you mean `decode`?"),
        ("engine.args.max-modellen", "did you mean `max-model-len`?"),
        ("roles..replicas", "is not a path"),
    ],
)
def test_an_unknown_path_is_a_usage_error_with_the_nearest_name(
    root: Path, path: str, says: str
) -> None:
    ran = run(root, "explain", "llama", path)
    assert ran.status == 2
    assert ran.stdout == ""
    assert says in ran.stderr


def test_a_field_nobody_set_has_its_default(root: Path) -> None:
    ran = run(root, "explain", "llama", "routing.port")
    assert ran.status == 0
    assert ran.stderr == "routing.port is not set; its default is 8000\n"


def test_literal_secrets_are_not_shown_anywhere(root: Path) -> None:
    for arguments in ([], ["engine.env.HF_TOKEN"], ["engine.env.COPY"], ["engine.env"]):
        for form in ("text", "json"):
            assert "base-token-literal" not in explained(
                root, "llama", *arguments, "--format", form
            )
    (decode, _) = values(root, "llama", "engine.env.COPY")
    assert decode["value"] == "x *** y"


def test_control_characters_do_not_reach_the_terminal(tmp_path: Path) -> None:
    spec = 'roles: {decode: {pod: {annotations: {note: "a\\u202Eb"}}}}'
    files = {**FILES, "models/other.yaml": model("other", spec, "[base]")}
    text = explained(write_files(tmp_path, files), "other")
    assert "a\\u202eb" in text


def test_an_environment_that_does_not_take_the_model_is_a_usage_error(tmp_path: Path) -> None:
    selector = "selector: {matchLabels: {tier: gold}}\n"
    files = {**FILES, "overlays/gold/environment.yaml": overlay("gold", more=selector)}
    ran = run(write_files(tmp_path, files), "explain", "llama", "-e", "gold")
    assert ran.status == 2
    assert "the environment `gold` does not take `llama`" in ran.stderr


def test_a_preset_reaches_models_through_parents_overlays_and_roles(root: Path) -> None:
    def reached(name: str) -> list[tuple[str, str, dict[str, int]]]:
        document = json.loads(explained(root, "--preset", name, "--format", "json"))
        return [(u["model"], u["environment"], u["accelerators"]) for u in document["uses"]]

    gpus = "nvidia.com/gpu"
    assert reached("base") == [
        ("llama", "prod", {gpus: 8 * 4 + 2}),
        ("llama", "sim", {}),
        ("other", "prod", {gpus: 3}),
        ("other", "sim", {}),
    ]
    assert [use[:2] for use in reached("sim")] == [("llama", "sim"), ("other", "sim")]
    assert [use[:2] for use in reached("smaller")] == [("llama", "prod"), ("llama", "sim")]


def test_what_a_preset_reaches_ends_in_a_total(root: Path) -> None:
    text = explained(root, "--preset", "base")
    assert re.search(r"llama +prod +34 nvidia\.com/gpu +decode 8 × 4, prefill 1 × 2\n", text)
    assert text.endswith("\n2 models, 2 environments: 37 nvidia.com/gpu\n")


def test_an_unknown_preset_is_a_usage_error(root: Path) -> None:
    ran = run(root, "explain", "--preset", "bsae")
    assert ran.status == 2
    assert "did you mean `base`?" in ran.stderr


def test_the_command_colours_only_for_those_who_want_it(root: Path) -> None:
    arguments = ("explain", "llama", "roles.decode.replicas")
    assert "\x1b" not in run_apart(root, *arguments).stdout
    assert "\x1b" in run_apart(root, *arguments, environ={"FORCE_COLOR": "1"}).stdout
