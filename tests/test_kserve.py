"""Target kserve: what must hold of any model, beside the stories of the corpus."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelmill.importers.llmisvc.templating import evaluate
from modelmill.kserve.difference import Impossible, difference, is_same
from modelmill.kserve.engine import quoted
from modelmill.kserve.escaping import escaped
from modelmill.kserve.merging import KEYS, merge
from modelmill.names import kserve_name
from support import PROJECT, compiled, model, overlay, preset, run, write_files

LONG = "llm-inference-service-deepseek-r1-0528-prefill-decode-eu"
VLLM = preset(
    "vllm",
    """
    engine: {type: vllm, image: "docker.io/vllm/vllm-openai:v0.26.0"}
    accelerator: {name: gpu, resource: nvidia.com/gpu}
    """,
)


def repository(*, mode: str = "full", presets: str = "[vllm]") -> dict[str, str]:
    return {
        "modelmill.yaml": PROJECT,
        "presets/vllm.yaml": VLLM,
        "models/tiny.yaml": model("tiny", "roles: {decode: {}}", presets),
        "overlays/prod/environment.yaml": overlay(
            "prod", more=f"target: kserve\nkserve: {{mode: {mode}}}\n"
        ),
        "overlays/plain/environment.yaml": overlay("plain"),
    }


@pytest.mark.parametrize(
    ("parent", "suffix", "name"),
    [
        (LONG, "-kserve", f"{LONG}-kserve"),
        (
            LONG,
            "-kserve-workload-svc",
            "llm-inferencf1bc113452cb357a1b64032140db47a-kserve-workload-svc",
        ),
        (
            "lora-pvc-",
            "my-very-long-adapter-name-with-many-words-in-it-and-more-v1",
            "lora-pvc-4d37f5544ada03aedb17e482621a4adcmy-very-long-adapter-n",
        ),
    ],
)
def test_names_are_those_that_kserve_makes(parent: str, suffix: str, name: str) -> None:
    assert kserve_name(parent, suffix) == name


words = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@given(st.recursive(words | st.sampled_from(["{{", "{{{", "{ {{ }}", "{{ .Spec }}", "`{{`"]),
                    lambda inner: st.lists(inner) | st.dictionaries(words, inner)))  # fmt: skip
def test_kserve_prints_what_was_written(value: Any) -> None:
    rendered, failures = evaluate({"template": escaped(value)}, {"name": "a"}, {})
    assert failures == []
    assert rendered["template"] == value


@settings(max_examples=40, deadline=None)
@given(st.lists(words, min_size=1))
def test_the_presets_script_reads_words_as_they_are(given_words: list[str]) -> None:
    """It evaluates its arguments a second time: `eval "exec vllm serve … $@"`."""
    script = "eval \"exec printf '%s\\0' $@\""
    done = subprocess.run(
        ["/bin/bash", "-c", script, "--", *map(quoted, given_words)],
        capture_output=True,
        check=True,
        env={"LC_ALL": "C.UTF-8"},
    )
    assert done.stdout.decode().split("\0")[:-1] == given_words


leaves = st.sampled_from(["", "a", "b", 0, 1, 2, True, False])
fields = st.sampled_from(["a", "b", "replicas", "args", "httpGet", "parallelism"])
entries = st.sampled_from(sorted(KEYS)).flatmap(
    lambda field: st.tuples(
        st.just(field),
        st.lists(
            st.fixed_dictionaries(
                {KEYS[field]: st.sampled_from(["x", "y", "z"])}, optional={"v": leaves}
            ),
            unique_by=lambda each: each[KEYS[field]],
            min_size=1,
        ),
    )
)
specs: Any = st.recursive(
    st.dictionaries(fields, leaves | st.lists(leaves, min_size=1)),
    lambda inner: st.builds(
        lambda own, keyed, below: {**own, **dict(keyed), **below},
        st.dictionaries(fields, leaves),
        st.lists(entries, max_size=2),
        st.dictionaries(fields, inner, max_size=2),
    ),
    max_leaves=4,
)


@settings(max_examples=400)
@given(specs, specs)
def test_what_is_said_over_a_configuration_makes_the_whole(base: Any, wanted: Any) -> None:
    try:
        left = difference(base, wanted)
    except Impossible:
        assert not is_same(base, wanted)
        return
    assert is_same(merge(base, left), wanted)


@given(specs)
def test_nothing_is_said_of_what_is_there_already(spec: Any) -> None:
    assert difference(spec, spec) == {}
    assert difference({}, spec) == spec


def test_an_environment_owns_the_configurations_of_its_models(tmp_path: Path) -> None:
    root = write_files(tmp_path, repository(mode="thin"))
    compiled(root)
    own = root / "generated/_environments"
    assert (own / "prod/llminferenceserviceconfig-vllm.yaml").exists()
    assert not list((own / "plain").glob("llminferenceserviceconfig*"))


def test_a_change_of_a_preset_is_one_of_the_environment(tmp_path: Path) -> None:
    root = write_files(tmp_path, repository(mode="thin"))
    compiled(root)
    changed = VLLM.replace("v0.26.0", "v0.26.1")
    write_files(root, {"presets/vllm.yaml": changed})
    assert compiled(root).status == 0
    config = root / "generated/_environments/prod/llminferenceserviceconfig-vllm.yaml"
    assert "v0.26.1" in config.read_text()
    service = "".join(p.read_text() for p in (root / "generated/tiny").rglob("llminference*"))
    assert "v0.26.1" not in service


def test_a_configuration_never_takes_a_presets_name(tmp_path: Path) -> None:
    """A model with a prefill role and one without use `vllm`, and there is a preset `vllm-pd`."""
    files = repository(mode="thin", presets="[vllm-pd]")
    roles = "{kvTransfer: {connector: nixl}, roles: {decode: {}, prefill: {}}}"
    files["models/split.yaml"] = model("split", f"model: {{name: a, uri: hf://a/b}}\n{roles[1:-1]}"
                                       .replace(", roles", "\nroles"), "[vllm]")  # fmt: skip
    files["presets/vllm-pd.yaml"] = preset("vllm-pd", "engine: {env: {A: b}}", "[vllm]")
    root = write_files(tmp_path, files)
    compiled(root)
    found = {p.stem for p in (root / "generated/_environments/prod").glob("llminference*")}
    assert found == {f"llminferenceserviceconfig-{n}" for n in ("vllm", "vllm-pd", "vllm-pd-pd")}


def test_only_a_service_has_children(tmp_path: Path) -> None:
    root = write_files(tmp_path, repository())
    ran = run(root, "render", "tiny", "-e", "plain", "--as", "llmisvc-children")
    assert ran.status == 2
    assert "target is kserve" in ran.stderr
    ran = run(root, "render", "tiny", "-e", "prod", "--as", "llmisvc-children")
    assert ran.status == 1
    assert "KServe's preset `kserve-config-llm-template` is not among the files" in ran.stderr


def test_presets_of_another_prefix_are_asked_for(tmp_path: Path) -> None:
    files = repository()
    path = "overlays/prod/environment.yaml"
    files[path] = files[path].replace("{mode: full}", "{presetPrefix: acme-}")
    ran = run(write_files(tmp_path, files), "render", "tiny", "-e", "prod", "--as",
              "llmisvc-children")  # fmt: skip
    assert "`acme-config-llm-template` is not among the files" in ran.stderr


def test_a_template_of_ones_own_stands_under_fields(tmp_path: Path) -> None:
    files = repository()
    fields = "kserve: {fields: {annotations: {of: '{{ .ObjectMeta.Name }}'}}}\nroles: {decode: {}}"
    files["models/tiny.yaml"] = model("tiny", fields, "[vllm]")
    ran = run(write_files(tmp_path, files), "render", "tiny", "-e", "prod")
    assert "of: '{{ .ObjectMeta.Name }}'" in ran.stdout or '{{ .ObjectMeta.Name }}"' in ran.stdout
