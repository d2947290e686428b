"""`modelmill promote`: what goes from one environment's entry to another's, and what is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support import (
    HEAD,
    PROJECT,
    ROOT,
    SIM,
    Ran,
    inputs_of,
    model,
    overlay,
    preset,
    run,
    tree,
    with_nulls,
    write_files,
)

ONE = """\
apiVersion: modelmill.dev/v1alpha1
kind: Model
metadata: {name: one, labels: {team: search}}
extends: [sim]
spec:
  model: {name: acme/one, uri: "hf://acme/one"}
  roles: {decode: {replicas: 2}}
environments:
  staging:
    # Measured in May: longer prompts fit.
    engine:
      args:
        max-model-len: 8192  # not more
        seed: 7
    roles:
      decode:
        replicas: 1
        # Slow disks.
        sharedMemory: 2Gi
  prod: {roles: {decode: {replicas: 8}}, engine: {args: {block-size: 32}}}
"""
PATH = "models/one.yaml"
FILES = {
    "modelmill.yaml": PROJECT,
    "presets/sim.yaml": SIM,
    "presets/chatty.yaml": preset("chatty", "engine: {env: {LOG_LEVEL: debug}}"),
    PATH: ONE,
    "models/two.yaml": model(
        "two", "roles: {decode: {}}", "[sim]", "{staging: {engine: {args: {seed: 7}}}}"
    ),
    "overlays/prod/environment.yaml": overlay("prod", "engine: {env: {A: b}}"),
    "overlays/staging/environment.yaml": overlay("staging", "engine: {env: {A: c}}", "[chatty]"),
    "overlays/other/environment.yaml": overlay("other"),
    "overlays/none/environment.yaml": overlay("none", more="selector: {matchLabels: {a: b}}\n"),
}
WAY = ("--from", "staging", "--to", "prod")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_files(tmp_path, FILES)


def promote(root: Path, *arguments: str) -> Ran:
    ran = run(root, "promote", *arguments)
    assert ran.status == 0, ran.stderr
    return ran


def refused(root: Path, *arguments: str, status: int = 2) -> str:
    ran = run(root, "promote", *arguments)
    assert ran.status == status, ran.stdout + ran.stderr
    assert (root / PATH).read_text() == ONE
    return ran.stderr


def written(root: Path, path: str = PATH) -> object:
    return with_nulls(tree((root / path).read_text(), path))


def tail(root: Path, path: str = PATH) -> str:
    """What stands below `environments`."""
    return (root / path).read_text().partition("environments:")[2]


def test_all_but_sizing_is_carried_with_its_comments(root: Path) -> None:
    ran = promote(root, "one", *WAY)
    head, _, _ = ONE.partition("  prod:")
    assert (root / PATH).read_text() == (
        head
        + """\
  prod:
    roles: {decode: {replicas: 8}}
    engine:
      args:
        block-size: 32
        max-model-len: 8192  # not more
        seed: 7
"""
    )
    assert "+ models/one.yaml" in ran.stdout
    assert "environments.prod.engine.args.max-model-len: 8192" in ran.stdout
    assert "  prod:\n    ~ Deployment one-decode" in ran.stdout
    said = ran.stderr
    assert "left roles.decode.replicas, roles.decode.sharedMemory" in said
    assert "only `prod` has engine.args.block-size" in said


def test_an_entry_that_is_not_there_yet_gets_comments_and_all(root: Path) -> None:
    promote(root, "one", "--from", "staging", "--to", "other")
    assert tail(root).endswith(
        """\
  other:
    # Measured in May: longer prompts fit.
    engine:
      args:
        max-model-len: 8192  # not more
        seed: 7
"""
    )


def test_a_path_carries_just_that_sizing_included(root: Path) -> None:
    promote(root, "one", "roles.decode.sharedMemory", *WAY)
    entries = written(root)["environments"]  # type: ignore[index]
    assert entries["prod"] == {
        "roles": {"decode": {"replicas": 8, "sharedMemory": "2Gi"}},
        "engine": {"args": {"block-size": 32}},
    }
    assert "      # Slow disks.\n" in tail(root).partition("prod:")[2]


def test_all_carries_sizing_as_well(root: Path) -> None:
    promote(root, "one", "--all", *WAY)
    entries = written(root)["environments"]  # type: ignore[index]
    assert entries["prod"]["roles"] == entries["staging"]["roles"]
    assert entries["prod"]["engine"]["args"]["block-size"] == 32


def test_a_part_of_a_subtree_leaves_the_rest_behind(root: Path) -> None:
    edited = ONE.replace("  prod: {roles: {decode: {replicas: 8}}, ", "  prod: {")
    edited = edited.replace(
        "        # Slow disks.", "        engine: {env: {B: c}}\n        # Slow"
    )
    (root / PATH).write_text(edited)
    promote(root, "one", *WAY)
    entries = written(root)["environments"]  # type: ignore[index]
    assert entries["prod"]["roles"] == {"decode": {"engine": {"env": {"B": "c"}}}}


def test_what_is_the_same_is_not_touched(root: Path) -> None:
    promote(root, "one", *WAY)
    before = (root / PATH).read_text()
    ran = promote(root, "one", *WAY)
    assert ran.stdout == ""
    assert "`prod` lacks nothing that is carried" in ran.stderr
    assert (root / PATH).read_text() == before


def test_what_environments_bring_themselves_is_told_by_its_line(root: Path) -> None:
    said = promote(root, "one", *WAY).stderr
    where = "overlay `staging` at overlays/staging/environment.yaml:7:21"
    assert f"`staging` has also roles.decode.engine.env.A: c (`prod`: b), of {where}" in said
    assert "env.LOG_LEVEL: debug, of preset `chatty` at presets/chatty.yaml:6:29" in said


def test_a_check_tells_what_is_missing(root: Path) -> None:
    ran = run(root, "promote", "one", *WAY, "--check")
    assert ran.status == 1
    assert ran.stdout == (
        "models/one.yaml:13: one: prod lacks engine.args.max-model-len: 8192\n"
        "models/one.yaml:14: one: prod lacks engine.args.seed: 7\n"
    )
    assert (root / PATH).read_text() == ONE
    promote(root, "one", *WAY)
    assert run(root, "promote", "one", *WAY, "--check").status == 0


def test_a_dry_run_writes_nothing(root: Path) -> None:
    assert "max-model-len=8192" in promote(root, "one", *WAY, "--dry-run").stdout
    assert (root / PATH).read_text() == ONE


def test_several_models_at_once(root: Path) -> None:
    promote(root, *WAY, "--label", "team=search", "--dry-run")
    ran = promote(root, "engine.args.seed", *WAY, "--all-models")
    assert "two\n" in ran.stdout
    for path in (PATH, "models/two.yaml"):
        prod = written(root, path)["environments"]["prod"]  # type: ignore[index]
        assert prod["engine"]["args"]["seed"] == 7


def test_a_lifted_value_leaves_the_entries(root: Path) -> None:
    (root / "overlays/other/environment.yaml").unlink()
    (root / "overlays/other").rmdir()
    ran = promote(root, "one", "engine.args.seed", *WAY, "--lift")
    document = written(root)
    assert document["spec"]["engine"] == {"args": {"seed": 7}}  # type: ignore[index]
    assert "seed" not in tail(root)
    assert "  prod:\n    ~ Deployment one-decode" in ran.stdout
    assert "staging:" not in ran.stdout
    assert "into `spec` went engine.args.seed" in ran.stderr


def test_entries_left_without_a_value_go(root: Path) -> None:
    (root / "overlays/other/environment.yaml").unlink()
    (root / "overlays/other").rmdir()
    (root / PATH).write_text(
        model("one", "roles: {decode: {replicas: 2}}", "[sim]")
        .replace("environments: {}\n", "")
        .rstrip("\n")
        + "\nenvironments:\n  staging: {engine: {args: {seed: 7}}}\n"
    )
    promote(root, "one", *WAY, "--lift")
    assert "environments" not in (root / PATH).read_text()
    assert written(root)["spec"]["engine"] == {"args": {"seed": 7}}  # type: ignore[index]


def test_lifting_what_another_environment_would_notice_is_refused(root: Path) -> None:
    said = refused(root, "one", "engine.args.seed", *WAY, "--lift", status=1)
    assert "error[G942]: in `spec`, engine.args.seed would change the manifests of `other`" in said


def test_what_another_entry_says_otherwise_is_not_lifted(root: Path) -> None:
    other = "  other: {engine: {args: {seed: 8}}}\n"
    (root / PATH).write_text(ONE + other)
    ran = promote(root, "one", "engine.args.seed", *WAY, "--lift")
    assert "not lifted, as environments differ: engine.args.seed" in ran.stderr
    assert (root / PATH).read_text().endswith(other)


def test_a_member_of_a_one_of_takes_the_others_place(root: Path) -> None:
    edited = ONE.replace("args: {block-size: 32}", "argv: [--port=8000]")
    (root / PATH).write_text(edited)
    promote(root, "one", *WAY)
    prod = written(root)["environments"]["prod"]  # type: ignore[index]
    assert prod["engine"] == {"args": {"max-model-len": 8192, "seed": 7}}


def test_another_kind_of_a_thing_replaces_it_as_a_whole(root: Path) -> None:
    """A merge would leave settings of the first kind beside the second."""
    ways = [
        f"{{by: {by}, maxReplicas: 4, triggers: {{{signal}: {{target: 4}}}}}}"
        for by, signal in (("keda", "engine-running"), ("hpa", "engine-waiting"))
    ]
    asked = 'prometheus: {serverAddress: "http://prometheus:9090"}\n  roles: {decode: {}}\n'
    edited = ONE.replace("roles: {decode: {replicas: 2}}\n", asked)
    edited = edited.replace("replicas: 1\n", f"autoscaling: {ways[0]}\n")
    (root / PATH).write_text(edited.replace("{replicas: 8}", f"{{autoscaling: {ways[1]}}}"))
    promote(root, "one", "roles.decode.autoscaling", *WAY)
    entries = written(root)["environments"]  # type: ignore[index]
    wanted = entries["staging"]["roles"]["decode"]["autoscaling"]
    assert entries["prod"]["roles"]["decode"]["autoscaling"] == wanted


def test_unset_values_are_carried_as_such(root: Path) -> None:
    (root / PATH).write_text(ONE.replace("        seed: 7\n", "        seed: null\n"))
    promote(root, "one", "engine.args.seed", *WAY)
    prod = written(root)["environments"]["prod"]  # type: ignore[index]
    assert prod["engine"]["args"] == {"block-size": 32, "seed": None}


def test_what_does_not_compile_there_is_not_written(root: Path) -> None:
    """Though the same is wrong where it comes from."""
    edited = ONE.replace("        seed: 7\n", "        port: 1\n")
    (root / PATH).write_text(edited)
    ran = run(root, "promote", "one", *WAY)
    assert ran.status == 1, ran.stdout
    assert ran.stderr.count("error[C511]: `port` is set from") == 2
    assert (root / PATH).read_text() == edited


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["one", "--from", "staging", "--to", "staging"], "are the same environment"),
        (["one", "--from", "stagin", "--to", "prod"], "did you mean `staging`?"),
        (["one", "--from", "staging", "--to", "none"], "`none` does not take `one`"),
        (["ona", *WAY], "did you mean `one`?"),
        (["one", "engine.args.sed", *WAY], "did you mean `engine.args.seed`?"),
        (["one", "engine..args", *WAY], "is not a path"),
        ([*WAY], "name a model"),
        (["one", "--to", "prod"], "--from"),
        ([*WAY, "--label", "team"], "is not KEY=VALUE"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(root: Path, arguments: list[str], said: str) -> None:
    assert said in refused(root, *arguments)


def test_environments_of_kserve_are_promoted_as_well(tmp_path: Path) -> None:
    files = {**inputs_of(ROOT), "modelmill.yaml": PROJECT}
    for name in ("prod", "staging"):
        path = f"overlays/{name}/environment.yaml"
        files[path] = (
            f"{HEAD}Overlay\nmetadata: {{name: {name}}}\nnamespace: llm-{name}\ntarget: kserve\n"
        )
    files = {p: t for p, t in files.items() if not re.match("overlays/(sim|prod-rdma)/", p)}
    files = {p: t for p, t in files.items() if not p.startswith("models/") or "llama-3-1" in p}
    files["models/llama-3-1-8b.yaml"] += "  staging: {engine: {args: {max-num-seqs: 64}}}\n"
    ran = promote(write_files(tmp_path, files), "llama-3-1-8b", *WAY)
    assert "LLMInferenceService" in ran.stdout
    assert "max-num-seqs" in ran.stdout


GUIDE = ROOT / "docs" / "promotion.md"
BLOCK = re.compile(r"```text\n\$ modelmill (.*)\n((?:.*\n)*?)```\n")


def test_the_guide_shows_what_is_printed(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Its commands, one after the other, on this repository with the guide's own example."""
    page = GUIDE.read_text(encoding="utf-8")
    entries, after = re.findall(r"```yaml\n(environments:.*?|  prod:.*?)```", page, re.DOTALL)
    files = inputs_of(ROOT)
    path = "models/llama-3-1-8b.yaml"
    plain = files[path].partition("environments:")[0]
    root = write_files(tmp_path, files)

    def shown(found: re.Match[str]) -> str:
        if "promote" in found[1] and "--check" not in found[1]:
            (root / path).write_text(plain + entries)
        ran = run(root, *found[1].split())
        if "promote" in found[1] and "--check" not in found[1]:
            assert (root / path).read_text().endswith(after)
            (root / path).write_text(plain + entries)
        return f"```text\n$ modelmill {found[1]}\n{ran.stdout}{ran.stderr}```\n"

    current = BLOCK.sub(shown, page)
    if request.config.getoption("--update"):
        GUIDE.write_text(current, encoding="utf-8")
    assert GUIDE.read_text(encoding="utf-8") == current
