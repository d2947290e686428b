"""Policies: what a repository demands is held against what it deploys, and against manifests."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from modelmill.custom_rules import Answers, Faulty, Unanswered, question
from modelmill.pod_security import refusals
from modelmill.policies.settings import DEFAULT, NAMES, STRICT
from modelmill.spec.documents import ProjectDocument
from support import PROJECT, ROOT, SIM, model, overlay, run, write_files

SERVED = {
    "presets/sim.yaml": SIM,
    "models/one.yaml": model("one", "roles: {server: {type: prefill-decode}}", extends="[sim]"),
    "overlays/prod/environment.yaml": overlay("prod"),
    "overlays/test/environment.yaml": overlay("test"),
}


def linted(folder: Path, policies: str, **files: str) -> str:
    """What lint says of a small repository with these policies; `prod` is an overlay's own."""
    texts = {**SERVED, "modelmill.yaml": f"{PROJECT}policies: {policies}\n"}
    if "prod" in files:
        texts["overlays/prod/environment.yaml"] = overlay(
            "prod", more=f"policies: {files.pop('prod')}\n"
        )
    return run(write_files(folder, {**texts, **files}), "lint").stderr


def test_every_policy_of_the_language_is_kept_by_a_rule() -> None:
    fields = ProjectDocument.shape().child("policies")
    assert fields is not None
    sections = ("images", "resources", "probes", "pods")
    declared = {
        f"{section}.{name}"
        for section in sections
        for name in fields.child(section).fields  # type: ignore[union-attr]
    }
    assert declared == set(NAMES)
    assert set(DEFAULT) <= set(STRICT)


def test_this_repository_keeps_its_policies_and_those_that_need_no_setting() -> None:
    assert "[V3" not in run(ROOT, "lint").stderr


def test_an_environment_lays_its_own_over_the_projects(tmp_path: Path) -> None:
    said = linted(tmp_path, "{images: {digest: error}}", prod='{images: {digest: "off"}}')
    assert "error[V300]" in said
    assert "in the environment `test`" in said
    assert "`prod`" not in said


def test_one_line_makes_all_strict(tmp_path: Path) -> None:
    said = linted(tmp_path, "{profile: strict}")
    assert "error[V300]" in said
    assert "error[V302]" not in linted(
        tmp_path / "b", "{profile: strict, resources: {requests: warn, memoryLimits: warn}}"
    )


def test_an_exemption_makes_a_warning_that_tells_why_and_ends(tmp_path: Path) -> None:
    exempt = '{one: {images.digest: {reason: the mirror is not ready, until: "2027-03-31"}}}'
    policies = f"{{images: {{digest: error}}, exemptions: {exempt}}}"
    said = linted(tmp_path, policies)
    assert "warning[V300]" in said
    assert "error[" not in said
    assert "exempt until 2027-03-31: the mirror is not ready" in said
    late = run(tmp_path, "lint", "--today", "2027-04-01")
    assert "`one` is exempt of `images.digest` until 2027-03-31, which is past" in late.stderr
    assert late.status == 1


def test_a_model_cannot_accept_what_the_project_demands(tmp_path: Path) -> None:
    accepting = SERVED["models/one.yaml"] + "accept: {V300: we know better}\n"
    said = linted(tmp_path, "{images: {digest: error}}", **{"models/one.yaml": accepting})
    assert "error[V300]" in said
    assert "error[C540]" in said


def test_compile_writes_nothing_that_breaks_a_policy(tmp_path: Path) -> None:
    linted(tmp_path, "{images: {digest: error}}")
    assert run(tmp_path, "compile").status == 1
    assert not (tmp_path / "generated" / "one").exists()


def test_a_lock_keeps_the_policy_of_digests(tmp_path: Path) -> None:
    image = "ghcr.io/acme/sim:v0.10.2"
    assert image in linted(tmp_path, "{images: {digest: error}}")
    pinned = SIM.replace('sim:${engine.version}"', f'sim:v0.10.2@sha256:{"a" * 64}"')
    said = linted(tmp_path / "b", "{images: {digest: error}}", **{"presets/sim.yaml": pinned})
    assert "V300" not in said


@pytest.mark.parametrize(
    ("allowed", "image", "is_allowed"),
    [
        ("ghcr.io", "ghcr.io/acme/a:v1", True),
        ("ghcr.io/acme", "ghcr.io/acme/a:v1", True),
        ("ghcr.io/acme", "ghcr.io/acme-evil/a:v1", False),
        ("ghcr.io", "ghcr.io.evil.example/acme/a:v1", False),
        ("docker.io", "busybox:1", True),
        ("docker.io/library", "busybox:1", True),
        ("docker.io/vllm", "vllm/vllm-openai:v1", True),
        ("vllm", "docker.io/vllm/vllm-openai:v1", True),
        ("localhost:5000", "localhost:5000/a/b:v1", True),
    ],
)
def test_registries_are_read_as_container_runtimes_read_them(
    tmp_path: Path, allowed: str, image: str, is_allowed: bool
) -> None:
    served = SIM.replace("ghcr.io/acme/sim:${engine.version}", image)
    policies = f'{{images: {{registries: ["{allowed}"]}}}}'
    said = linted(tmp_path, policies, **{"presets/sim.yaml": served})
    assert ("V301" not in said) == is_allowed


def test_images_of_kserves_resources_are_held_to_the_policy(tmp_path: Path) -> None:
    files = {"overlays/test/environment.yaml": overlay("test", more="target: kserve\n")}
    said = linted(tmp_path, "{images: {digest: error}}", **files)
    assert "in LLMInferenceService `one`" in said
    assert "presets/sim.yaml" in said


def test_foreign_manifests_are_held_to_a_projects_policies(tmp_path: Path) -> None:
    pod: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a"},
        "spec": {"hostIPC": True, "containers": [{"name": "c", "image": "acme/a:v1"}]},
    }
    rule = "{few: {message: few, kinds: [Pod], expression: 'size(object.spec.containers) > 1'}}"
    policies = f"{{profile: strict, rules: {rule}}}"
    write_files(tmp_path, {"p.yaml": f"{PROJECT}policies: {policies}\n", "m.yaml": yaml.dump(pod)})
    alone = run(tmp_path, "validate", "m.yaml")
    assert "[V3" not in alone.stderr
    held = run(tmp_path, "validate", "m.yaml", "--policies", "p.yaml")
    for code in ("V300", "V302", "V304", "V320"):
        assert f"error[{code}]" in held.stderr
    secure = run(tmp_path, "validate", "m.yaml", "--pod-security", "baseline")
    assert "m.yaml:" in secure.stderr
    assert "error[V307]: `hostIPC` shares" in secure.stderr


def test_pods_for_windows_need_not_say_what_linux_alone_knows() -> None:
    container = {"name": "a", "securityContext": {"runAsNonRoot": True}}
    linux = {"spec": {"containers": [container]}}
    windows = {"spec": {"os": {"name": "windows"}, "containers": [container]}}
    assert len(list(refusals(linux, "restricted"))) == 3
    assert not list(refusals(windows, "restricted"))


@pytest.mark.parametrize("kind", ["containers", "initContainers", "ephemeralContainers"])
def test_every_kind_of_container_is_held_to_the_standard(kind: str) -> None:
    spec = {kind: [{"name": "a", "securityContext": {"privileged": True}}]}
    assert any("privileged" in each.what for each in refusals({"spec": spec}, "baseline"))


def test_rules_see_objects_and_the_model(tmp_path: Path) -> None:
    rules = """
      {
        of-object: {message: wrong object, kinds: [Deployment],
          expression: "object.metadata.name.startsWith(model)"},
        of-model: {message: wrong spec, expression: "spec.model.name == 'acme/one'"},
        of-environment: {message: wrong place, environments: [prod],
          expression: "environment == 'test' && namespaceName == 'llm-test'"},
        of-labels: {message: wrong labels, severity: warn, expression: "'team' in labels"},
      }"""
    said = linted(tmp_path, f"{{rules: {rules}}}")
    assert "wrong object" not in said
    assert "wrong spec" not in said
    assert "error[V320]: wrong place" in said
    assert "`test`" not in said
    assert "warning[V320]: wrong labels" in said


def test_a_rule_of_ones_own_can_be_exempt(tmp_path: Path) -> None:
    exempt = '{one: {rules.never: {reason: it is old, until: "2099-01-01"}}}'
    rules = '{never: {message: nobody keeps it, expression: "false"}}'
    said = linted(tmp_path, f"{{rules: {rules}, exemptions: {exempt}}}")
    assert "warning[V320]: nobody keeps it" in said
    assert "error[" not in said


@pytest.mark.parametrize(
    "expression",
    [
        "l.map(a, l.map(b, l.map(c, a + b + c))).size() > 0",
        "l.all(a, l.all(b, l.all(c, l.all(d, a + b + c + d >= 0))))",
        "t.split('').all(a, t.split('').all(b, a == b))",
        " + ".join(["t"] * 500) + " == ''",
        "t.replace('a', t).replace('a', t) == ''",
    ],
)
def test_what_would_take_for_ever_is_not_begun(expression: str) -> None:
    answers = Answers({"l": list(range(200)), "t": "a" * 200_000})
    with pytest.raises(Unanswered):
        answers.ask(question(expression))


@pytest.mark.parametrize(
    "expression", ["(" * 400 + "1" + ")" * 400, "a" * 5000, "1 +", "", "\x00", "'" * 99]
)
def test_what_is_no_rule_is_told(expression: str) -> None:
    with pytest.raises(Faulty):
        question(expression)


def test_there_is_no_clock_in_a_rule() -> None:
    with pytest.raises(Faulty):
        Answers({}).ask(question("now() > timestamp('2020-01-01T00:00:00Z')"))


@given(st.text(max_size=60), st.recursive(st.integers() | st.text(), st.lists, max_leaves=8))
def test_any_expression_is_answered_or_told(expression: str, value: Any) -> None:
    with suppress(Faulty, Unanswered):
        assert Answers({"object": value}).ask(question(expression)) in (True, False)


def test_no_rule_no_evaluator(tmp_path: Path) -> None:
    """It takes longer to start than all of lint."""
    linted(tmp_path, "{profile: default}")
    script = (
        "import sys; from modelmill.cli import run; "
        f"run(['-C', {str(tmp_path)!r}, 'lint']); sys.exit('cel' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
