"""--fix writes what has one right answer, and not one other character."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelmill.diagnostics import Diagnostic, Fix, Span
from modelmill.fixes import fixed
from stories import BAD, copy, stories
from support import PROJECT, model, overlay, preset, run, write_files

VLLM = preset(
    "vllm",
    """
    engine: {type: vllm, version: v0.26.0, image: "docker.io/vllm/vllm-openai:v0.26.0"}
    accelerator: {name: nvidia-h100-80gb, resource: nvidia.com/gpu, perNode: 8}
    """,
)
OLD = """# What requests are embedded by.
roles:
  decode:
    engine:
      args:
        override-pooler-config: {pooling_type: CLS}   # of the paper
        enforce-eager: true
"""


def served(folder: Path, **files: str) -> Path:
    texts = {
        "modelmill.yaml": PROJECT,
        "presets/vllm.yaml": VLLM,
        "models/one.yaml": model("one", OLD, extends="[vllm]"),
        "overlays/prod/environment.yaml": overlay("prod"),
    }
    return write_files(folder, {**texts, **files})


def texts_in(folder: Path) -> dict[str, str]:
    files = [each for each in folder.rglob("*.yaml") if "generated" not in each.parts]
    return {str(each.relative_to(folder)): each.read_text() for each in files}


def test_a_flag_is_renamed_and_its_comments_stay(tmp_path: Path) -> None:
    before = texts_in(served(tmp_path))
    said = run(tmp_path, "lint", "--fix")
    assert "`override-pooler-config` is now `pooler-config` (C512)" in said.stderr
    after = texts_in(tmp_path)
    renamed = before["models/one.yaml"].replace("override-pooler-config", "pooler-config")
    assert after == {**before, "models/one.yaml": renamed}
    assert "C512" not in run(tmp_path, "lint").stderr


def test_a_dry_run_prints_the_difference_and_writes_nothing(tmp_path: Path) -> None:
    before = texts_in(served(tmp_path))
    said = run(tmp_path, "lint", "--fix", "--dry-run")
    assert (
        "-          override-pooler-config: {pooling_type: CLS}   # of the paper\n" in said.stdout
    )
    assert "+          pooler-config: {pooling_type: CLS}   # of the paper\n" in said.stdout
    assert "`override-pooler-config` would be `pooler-config`" in said.stderr
    assert texts_in(tmp_path) == before


def test_a_misnomer_becomes_the_field_where_its_value_fits(tmp_path: Path) -> None:
    accepting = 'accept: {C504: {reason: soon, expires: "2099-01-01"}}\nspec:\n'
    one = model("one", OLD, extends="[vllm]").replace("spec:\n", accepting)
    served(tmp_path, **{"models/one.yaml": one})
    run(tmp_path, "lint", "--fix")
    assert 'until: "2099-01-01"' in (tmp_path / "models/one.yaml").read_text()


def test_a_misnomer_of_another_form_is_left(tmp_path: Path) -> None:
    """`env` at the top is usually meant for the engine, and is not its `engine`."""
    one = model("one", OLD.replace("roles:", "env: {A: b}\nroles:"), extends="[vllm]")
    served(tmp_path, **{"models/one.yaml": one})
    said = run(tmp_path, "lint", "--fix")
    assert "`env` is not a field" in said.stderr
    assert (tmp_path / "models/one.yaml").read_text() == one


@pytest.mark.parametrize(
    ("written", "becomes"),
    [
        ("createNamespace: no", "createNamespace: false"),
        ("createNamespace: Yes", "createNamespace: true"),
        ("cluster: on", 'cluster: "on"'),
        ("cluster: 010", 'cluster: "010"'),
        ("cluster: 2024-01-01", 'cluster: "2024-01-01"'),
    ],
)
def test_an_ambiguous_word_is_what_its_field_takes(
    written: str, becomes: str, tmp_path: Path
) -> None:
    served(tmp_path, **{"overlays/prod/environment.yaml": overlay("prod", more=f"{written}\n")})
    run(tmp_path, "lint", "--fix")
    assert (tmp_path / "overlays/prod/environment.yaml").read_text().endswith(f"{becomes}\n")


@pytest.mark.parametrize("written", ["enforce-eager: on", "max-num-seqs: 010", "a: 1e3"])
def test_where_two_answers_are_as_good_a_person_has_to_say(written: str, tmp_path: Path) -> None:
    one = model("one", OLD.replace("enforce-eager: true", written), extends="[vllm]")
    served(tmp_path, **{"models/one.yaml": one})
    assert "Y110" in run(tmp_path, "lint", "--fix").stderr
    assert written in (tmp_path / "models/one.yaml").read_text()


def test_one_fix_brings_the_next_to_light(tmp_path: Path) -> None:
    delivered = "delivery: {git: {repoURL: https://example.com/a.git}}\n"
    served(tmp_path, **{"modelmill.yaml": PROJECT + delivered})
    said = run(tmp_path, "lint", "--fix").stderr
    assert "`repoURL` is now `url` (S401)" in said
    assert "`override-pooler-config` is now `pooler-config` (C512)" in said


def test_only_the_files_that_are_named_are_fixed(tmp_path: Path) -> None:
    two = model("two", OLD, extends="[vllm]")
    served(tmp_path, **{"models/two.yaml": two})
    run(tmp_path, "lint", "--fix", "models/one.yaml")
    assert "override-pooler-config" not in (tmp_path / "models/one.yaml").read_text()
    assert (tmp_path / "models/two.yaml").read_text() == two


def test_a_fix_that_breaks_something_else_is_not_done(tmp_path: Path) -> None:
    both = OLD.replace("enforce-eager: true", "pooler-config: {pooling_type: LAST}")
    one = model("one", both, extends="[vllm]")
    served(tmp_path, **{"models/one.yaml": one})
    run(tmp_path, "lint", "--fix")
    assert (tmp_path / "models/one.yaml").read_text() == one


def test_a_read_only_file_is_left_and_so_are_all(tmp_path: Path) -> None:
    served(tmp_path, **{"models/two.yaml": model("two", OLD, extends="[vllm]")})
    (tmp_path / "models/two.yaml").chmod(0o444)
    before = texts_in(tmp_path)
    said = run(tmp_path, "lint", "--fix")
    assert said.status == 1
    assert "error[O609]" in said.stderr
    assert texts_in(tmp_path) == before


@pytest.mark.parametrize("story", [s for s in stories(BAD) if s[:4] in ("C512", "S401", "Y110")])
def test_fixing_twice_is_fixing_once(story: str, tmp_path: Path) -> None:
    repository = copy(BAD / story, tmp_path)
    run(repository, "lint", "--fix")
    once = texts_in(repository)
    said = run(repository, "lint", "--fix")
    assert texts_in(repository) == once
    assert "is now" not in said.stderr


FOREIGN = """# Rendered somewhere.
apiVersion: v1
kind: Pod
metadata: {name: decode}
spec:
  containers:
    - name: proxy   # before the engine
      image: ghcr.io/llm-d/llm-d-router-disagg-sidecar:v0.10.0
      args: [--port=8000, "--vllm-port=8200", '--kv-connector=nixlv2']
---
apiVersion: policy/v1beta1  # of an old chart
kind: PodDisruptionBudget
metadata: {name: decode}
spec: {minAvailable: 1, selector: {matchLabels: {app: decode}}}
---
apiVersion: inference.networking.x-k8s.io/v1alpha2
kind: InferenceObjective
metadata: {name: chat}
spec: {priority: 1, poolRef: {name: decode}}
---
apiVersion: inference.networking.x-k8s.io/v1alpha2
kind: InferencePool
metadata: {name: decode}
spec: {targetPortNumber: 8000, selector: {app: decode}, extensionRef: {name: epp}}
"""


def test_foreign_manifests_are_fixed_where_the_fields_are_alike(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.yaml": FOREIGN})
    said = run(tmp_path, "validate", "a.yaml", "--fix")
    expected = (
        FOREIGN.replace("--vllm-port", "--model-server-port")
        .replace("policy/v1beta1", "policy/v1")
        .replace("v1alpha2\nkind: InferenceObjective", "v1alpha2\nkind: InferenceObjective")
        .replace(
            "inference.networking.x-k8s.io/v1alpha2\nkind: InferenceObjective",
            "llm-d.ai/v1alpha2\nkind: InferenceObjective",
        )
    )
    assert (tmp_path / "a.yaml").read_text() == expected
    assert "`--vllm-port` is now `--model-server-port` (V251)" in said.stderr
    again = run(tmp_path, "validate", "a.yaml", "--fix")
    assert (tmp_path / "a.yaml").read_text() == expected
    assert "is now" not in again.stderr
    # A pool of the new API says its ports and its picker otherwise: that is for a person.
    assert "warning[V118]: `inference.networking.x-k8s.io/v1alpha2` InferencePool" in again.stderr


def test_keys_of_a_kustomization_are_renamed_where_nothing_is_to_be_united(tmp_path: Path) -> None:
    pod = FOREIGN.partition("---")[0]
    kustomization = "# Of us all.\nbases: [../base]\npatchesJson6902: []\npatches: []\n"
    files = {"base/kustomization.yaml": "resources: [a.yaml]\n", "base/a.yaml": pod}
    write_files(tmp_path, {**files, "top/kustomization.yaml": kustomization})
    said = run(tmp_path, "validate", "top", "--fix")
    assert "`bases` is now `resources` (V160)" in said.stderr
    after = (tmp_path / "top/kustomization.yaml").read_text()
    assert after == kustomization.replace("bases", "resources")


def test_standard_input_cannot_be_fixed(tmp_path: Path) -> None:
    assert run(tmp_path, "validate", "-", "--fix").status == 2


@given(st.text(alphabet="ab\n\r :#'\"|", max_size=40), st.integers(1, 5), st.integers(1, 8))
def test_only_what_a_fix_is_for_changes(text: str, line: int, column: int) -> None:
    finding = Diagnostic("C512", "error", "", Span("f", line, column, 2), fixes=(Fix("ab", "X"),))
    done = fixed({"f": text}, [finding], lambda _path, _text: [])
    if not done.texts:
        return
    (after,) = done.texts.values()
    assert len(after) == len(text) - 1
    assert after.replace("X", "ab", 1) == text
