"""`modelmill diff`: what a change does to the manifests, against real git repositories."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from modelmill.diff_markdown import LIMIT, size
from support import PROJECT, Ran, model, overlay, preset, run, run_apart, write_files

SIM = preset(
    "sim",
    """
    engine: {type: inference-sim, version: v0.10.2, image: "ghcr.io/acme/sim:${engine.version}"}
    accelerator: {name: cpu}
    sharedMemory: 1Gi
    """,
)
FILES = {
    "modelmill.yaml": PROJECT,
    "presets/sim.yaml": SIM,
    "models/one.yaml": model("one", "roles: {decode: {replicas: 2}}", "[sim]"),
    "models/two.yaml": model("two", "roles: {decode: {replicas: 1}}", "[sim]"),
    "overlays/prod/environment.yaml": overlay("prod"),
    "overlays/staging/environment.yaml": overlay("staging"),
}
IDENTITY = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=root,
        env={**os.environ, **IDENTITY},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def commit(root: Path) -> str:
    git(root, "add", "-A")
    git(root, "commit", "-qm", "state")
    return git(root, "rev-parse", "HEAD")


def committed(root: Path, files: Mapping[str, str] = FILES) -> Path:
    """A git repository whose first commit holds the files."""
    root.mkdir(exist_ok=True)
    git(root, "init", "-q", "-b", "main")
    write_files(root, files)
    commit(root)
    return root


def edit(root: Path, path: str, old: str, new: str) -> None:
    text = (root / path).read_text()
    assert old in text
    (root / path).write_text(text.replace(old, new))


def diff(root: Path, *arguments: str) -> str:
    ran = run(root, "diff", *arguments)
    assert ran.status == 0, ran.stderr
    return ran.stdout


def parsed(root: Path, *arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(diff(root, *arguments, "--format", "json"))
    assert document["version"] == 1
    return document


def test_equal_environments_are_told_once_with_the_line_that_caused_it(tmp_path: Path) -> None:
    root = committed(tmp_path)
    edit(root, "models/one.yaml", "replicas: 2", "replicas: 8")
    assert diff(root).splitlines() == [
        "one",
        "  ~ models/one.yaml:7 spec.roles.decode.replicas: 2 → 8",
        "  prod, staging:",
        "    ~ Deployment one-decode",
        "      ~ spec.replicas: 2 → 8",
        "",
        "1 model, 2 environments: 2 objects changed",
    ]


def test_nothing_changed_is_said_and_exits_0(tmp_path: Path) -> None:
    root = committed(tmp_path)
    assert diff(root) == "the manifests do not change\n"
    assert run(root, "diff", "--exit-code").status == 0
    assert "No change" in diff(root, "--format", "markdown")


def test_an_edit_without_effect_is_no_difference(tmp_path: Path) -> None:
    root = committed(tmp_path)
    edit(root, "models/one.yaml", "kind: Model", "# a remark\nkind: Model")
    assert diff(root) == "the manifests do not change\n"


def test_exit_code_is_1_only_when_asked_for(tmp_path: Path) -> None:
    root = committed(tmp_path)
    edit(root, "models/one.yaml", "replicas: 2", "replicas: 8")
    assert run(root, "diff").status == 0
    assert run(root, "diff", "--exit-code").status == 1


def test_arguments_and_variables_are_told_by_name(tmp_path: Path) -> None:
    files = {
        **FILES,
        "models/one.yaml": model(
            "one",
            "engine: {args: {max-model-len: 1024}, env: {MODE: a}}\nroles: {decode: {replicas: 2}}",
            "[sim]",
        ),
    }
    root = committed(tmp_path, files)
    edit(root, "models/one.yaml", "1024", "2048")
    edit(root, "models/one.yaml", "MODE: a", "MODE: b, MORE: c")
    text = diff(root, "HEAD", "one", "-e", "prod")
    assert "containers[modelserver].args:\n        - --max-model-len=1024\n        + --max" in text
    assert "~ spec.template.spec.containers[modelserver].env[MODE].value: a → b" in text
    assert "+ spec.template.spec.containers[modelserver].env[MORE]:" in text
    assert "+ models/one.yaml:7 spec.engine.env.MORE: c" in text


def test_a_preset_edit_is_told_for_each_model_it_reaches(tmp_path: Path) -> None:
    root = committed(tmp_path)
    edit(root, "presets/sim.yaml", "1Gi", "2Gi")
    document = parsed(root)
    assert [m["model"] for m in document["models"]] == ["one", "two"]
    for changed in document["models"]:
        (cause,) = changed["causes"]
        assert (cause["file"], cause["path"]) == ("presets/sim.yaml", "spec.sharedMemory")
        assert cause["layer"] == "preset `sim`"
    assert document["summary"] == "2 models, 2 environments: 4 objects changed"


def test_an_edit_that_a_higher_layer_overrides_is_no_cause(tmp_path: Path) -> None:
    spec = "sharedMemory: 5Gi\nroles: {decode: {replicas: 2}}"
    root = committed(tmp_path, {**FILES, "models/one.yaml": model("one", spec, "[sim]")})
    edit(root, "presets/sim.yaml", "1Gi", "2Gi")
    edit(root, "models/one.yaml", "replicas: 2", "replicas: 3")
    one = parsed(root)["models"][0]
    assert [c["file"] for c in one["causes"]] == ["models/one.yaml"]


def test_objects_that_come_and_go_have_their_marks(tmp_path: Path) -> None:
    root = committed(tmp_path)
    edit(root, "models/one.yaml", "roles:", "podDisruptionBudget: {minAvailable: 1}\n  roles:")
    assert "+ PodDisruptionBudget one-decode\n" in diff(root)
    commit(root)
    edit(root, "models/one.yaml", "podDisruptionBudget: {minAvailable: 1}\n  ", "")
    text = diff(root)
    assert "- PodDisruptionBudget one-decode\n" in text
    assert "- models/one.yaml:7 spec.podDisruptionBudget.minAvailable: 1" in text
    assert "2 objects removed" in text


def test_a_new_and_a_deleted_model(tmp_path: Path) -> None:
    root = committed(tmp_path)
    (root / "models/two.yaml").unlink()
    write_files(root, {"models/new.yaml": model("new", "roles: {decode: {replicas: 1}}", "[sim]")})
    text = diff(root)
    assert "new (added)\n  + models/new.yaml: model `new`\n  prod, staging:\n    + " in text
    assert "two (removed)\n  - models/two.yaml: model `two`\n  prod, staging:\n    - " in text
    assert {m["model"]: m["act"] for m in parsed(root)["models"]} == {
        "new": "added",
        "two": "removed",
    }


def test_a_renamed_environment_goes_and_comes(tmp_path: Path) -> None:
    root = committed(tmp_path)
    (root / "overlays/staging").rename(root / "overlays/test")
    edit(root, "overlays/test/environment.yaml", "name: staging", "name: test")
    document = parsed(root)
    own = document["models"][0]
    assert own["model"] is None
    acts = {
        tuple(p["environments"]): p["objects"][0]["act"] for p in document["models"][1]["parts"]
    }
    assert acts == {("staging",): "removed", ("test",): "added"}
    assert "overlays/test/environment.yaml: overlay `test`" in diff(root)


def test_another_namespace_is_told_once_and_not_for_each_object(tmp_path: Path) -> None:
    root = committed(tmp_path)
    edit(root, "overlays/prod/environment.yaml", "llm-prod", "llm-live")
    text = diff(root)
    assert "~ overlays/prod/environment.yaml:4 namespace: llm-prod → llm-live" in text
    assert "~ Environment prod\n      ~ namespace: llm-prod → llm-live" in text
    assert "metadata.namespace" not in text


def test_text_in_an_object_is_told_by_line(tmp_path: Path) -> None:
    spec = """\
roles: {decode: {replicas: 2}}
extraObjects:
  notes:
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: notes}
    data:
      text.md: |
        first
        second
        third
"""
    root = committed(tmp_path, {**FILES, "models/one.yaml": model("one", spec, "[sim]")})
    edit(root, "models/one.yaml", "second", "2nd")
    text = diff(root)
    assert '~ ConfigMap notes\n      data["text.md"]:\n        - second\n        + 2nd\n' in text


def test_a_new_version_of_an_api_is_the_same_object(tmp_path: Path) -> None:
    spec = (
        "roles: {decode: {replicas: 2}}\n"
        "extraObjects: {x: {apiVersion: acme.dev/v1beta1, kind: Thing, metadata: {name: x}}}"
    )
    root = committed(tmp_path, {**FILES, "models/one.yaml": model("one", spec, "[sim]")})
    edit(root, "models/one.yaml", "v1beta1", "v1")
    assert "~ Thing x\n      ~ apiVersion: acme.dev/v1beta1 → acme.dev/v1\n" in diff(root)


def test_older_revisions_and_chosen_models(tmp_path: Path) -> None:
    root = committed(tmp_path)
    first = git(root, "rev-parse", "HEAD")
    edit(root, "models/one.yaml", "replicas: 2", "replicas: 8")
    edit(root, "models/two.yaml", "replicas: 1", "replicas: 4")
    commit(root)
    git(root, "tag", "later")
    assert diff(root, "later") == "the manifests do not change\n"
    for revision in (first, first[:10], "HEAD~1", "main~1"):
        assert [m["model"] for m in parsed(root, revision)["models"]] == ["one", "two"]
    assert [m["model"] for m in parsed(root, first, "two")["models"]] == ["two"]


def test_a_revision_is_never_an_option(tmp_path: Path) -> None:
    root = committed(tmp_path)
    name = f"--output={tmp_path}/pwned"
    git(root, "update-ref", f"refs/heads/{name}", "HEAD")
    edit(root, "models/one.yaml", "replicas: 2", "replicas: 8")
    ran = run(root, "diff", "--", name)
    assert ran.status == 2
    assert "is not a revision" in ran.stderr
    assert "replicas: 2 → 8" in diff(root, f"refs/heads/{name}")
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("revision", ["nope", "HEAD:models", "HEAD^{tree}", "main..main", "a\x1bb"])
def test_what_is_no_commit_is_a_usage_error(tmp_path: Path, revision: str) -> None:
    ran = run(committed(tmp_path), "diff", revision)
    assert ran.status == 2
    assert "git knows no commit" in ran.stderr
    assert "\x1b" not in ran.stderr


def test_a_model_in_place_of_a_revision_gets_a_hint(tmp_path: Path) -> None:
    ran = run(committed(tmp_path), "diff", "one")
    assert ran.status == 2
    assert "write `modelmill diff HEAD one`" in ran.stderr


def test_outside_a_git_repository_it_is_a_usage_error(tmp_path: Path) -> None:
    ran = run(write_files(tmp_path, FILES), "diff")
    assert ran.status == 2
    assert "is not in a git repository" in ran.stderr


def test_a_repository_in_a_subfolder_of_the_git_root(tmp_path: Path) -> None:
    below = {f"deploy/llm/{path}": text for path, text in FILES.items()}
    root = committed(tmp_path, {**below, "models/unrelated.yaml": "a: b\n"}) / "deploy/llm"
    edit(root, "models/one.yaml", "replicas: 2", "replicas: 8")
    assert "models/one.yaml:7 spec.roles.decode.replicas: 2 → 8" in diff(root)


def test_before_the_repository_existed_everything_is_new(tmp_path: Path) -> None:
    root = committed(tmp_path, {"README.md": "hello\n"})
    write_files(root, FILES)
    ran = run(root, "diff")
    assert ran.status == 0
    assert "everything is new" in ran.stderr
    assert "one (added)" in ran.stdout


def test_a_side_before_that_does_not_compile_is_said_in_one_line(tmp_path: Path) -> None:
    faulty = model("one", "roles: {decode: {replica: 2}}\nbogus: 1", "[sim]")
    root = committed(tmp_path, {**FILES, "models/one.yaml": faulty})
    write_files(root, {"models/one.yaml": FILES["models/one.yaml"]})
    ran = run(root, "diff")
    assert (ran.status, ran.stdout) == (1, "")
    assert len(ran.stderr.splitlines()) == 1
    assert re.match(
        r"`HEAD` does not compile \(\d errors\): models/one\.yaml:\d+:\d+: ", ran.stderr
    )


def test_a_working_tree_that_does_not_compile_is_reported_as_ever(tmp_path: Path) -> None:
    root = committed(tmp_path)
    edit(root, "models/one.yaml", "replicas: 2", "replicas: many")
    ran = run(root, "diff")
    assert (ran.status, ran.stdout) == (1, "")
    assert "error[S402]" in ran.stderr


def test_a_link_in_a_commit_is_refused_as_on_disk(tmp_path: Path) -> None:
    root = committed(tmp_path)
    (root / "models/link.yaml").symlink_to("/etc/hostname")
    commit(root)
    (root / "models/link.yaml").unlink()
    ran = run(root, "diff")
    assert ran.status == 1
    assert "models/link.yaml:1:1: error[Y115]: the file is a symbolic link" in ran.stderr


@pytest.mark.parametrize("folder", ["models", "overlays"])
def test_a_linked_folder_is_refused_on_both_sides(tmp_path: Path, folder: str) -> None:
    root = committed(tmp_path)
    (root / folder).rename(root / "elsewhere")
    (root / folder).symlink_to("elsewhere")
    assert "the folder is a symbolic link" in run(root, "diff").stderr
    commit(root)
    (root / folder).unlink()
    (root / "elsewhere").rename(root / folder)
    assert "`HEAD` does not compile: " in run(root, "diff").stderr


def test_a_file_over_the_limit_is_refused_as_on_disk(tmp_path: Path) -> None:
    root = committed(tmp_path, {**FILES, "models/big.yaml": "#" * (1 << 20) + "\n"})
    (root / "models/big.yaml").unlink()
    ran = run(root, "diff")
    assert ran.status == 1
    assert "error[Y109]: the file is larger than 1 MiB" in ran.stderr


def test_git_variables_and_hooks_of_the_caller_have_no_effect(tmp_path: Path) -> None:
    root = committed(tmp_path / "repository")
    edit(root, "models/one.yaml", "replicas: 2", "replicas: 8")
    hostile = {"GIT_DIR": "/nowhere", "GIT_INDEX_FILE": "/nowhere", "GIT_CEILING_DIRECTORIES": "/"}
    ran = run_apart(root, "diff", environ=hostile)
    assert ran.status == 0
    assert "replicas: 2 → 8" in ran.stdout


def test_nothing_is_written(tmp_path: Path) -> None:
    root = committed(tmp_path)
    edit(root, "models/one.yaml", "replicas: 2", "replicas: 8")
    before = git(root, "status", "--porcelain")
    diff(root)
    assert git(root, "status", "--porcelain") == before


def test_literal_secrets_are_hidden_and_their_change_is_not(tmp_path: Path) -> None:
    spec = (
        "engine: {args: {api-key: first-secret}, env: {HF_TOKEN: second-secret, NOTE: x}}\n"
        "roles: {decode: {replicas: 2}}"
    )
    root = committed(tmp_path, {**FILES, "models/one.yaml": model("one", spec, "[sim]")})
    edit(
        root, "models/one.yaml", "second-secret, NOTE: x", 'third-secret, NOTE: "say third-secret"'
    )
    edit(root, "models/one.yaml", "first-secret", "fourth-secret")
    for form in ("text", "markdown", "json"):
        text = diff(root, "--format", form)
        assert not re.search("(first|second|third|fourth)-secret", text)
    text = diff(root)
    assert "env[HF_TOKEN].value: *** → ***" in text
    assert "env[NOTE].value: x → say ***" in text
    assert "- --api-key=***\n        + --api-key=***" in text


def test_colour_is_for_those_who_want_it(tmp_path: Path) -> None:
    root = committed(tmp_path)
    edit(root, "models/one.yaml", "replicas: 2", "replicas: 8")
    assert "\x1b" not in run_apart(root, "diff").stdout
    assert "\x1b[33m" in run_apart(root, "diff", environ={"FORCE_COLOR": "1"}).stdout
    both = {"FORCE_COLOR": "1", "NO_COLOR": "1"}
    assert "\x1b" not in run_apart(root, "diff", environ=both).stdout


def test_the_same_bytes_for_any_hash_seed(tmp_path: Path) -> None:
    root = committed(tmp_path)
    edit(root, "presets/sim.yaml", "1Gi", "2Gi")
    edit(root, "overlays/prod/environment.yaml", "llm-prod", "llm-live")
    for form in ("text", "markdown", "json"):
        found: list[Ran] = [
            run_apart(root, "diff", "--format", form, environ={"PYTHONHASHSEED": seed})
            for seed in ("1", "2")
        ]
        assert found[0] == found[1]


def test_markdown_has_a_table_and_a_section_for_each_model(tmp_path: Path) -> None:
    root = committed(tmp_path)
    edit(root, "models/one.yaml", "replicas: 2", "replicas: 8")
    assert (
        diff(root, "--format", "markdown")
        == """\
<!-- modelmill diff -->
### Manifests

1 model, 2 environments: 2 objects changed, compared with <code>HEAD</code>.

| model | <code>prod</code> | <code>staging</code> |
|---|---|---|
| <code>one</code> | `~1` | `~1` |

<details><summary><code>one</code>: 2 objects changed in prod, staging</summary>

```diff
!  models/one.yaml:7 spec.roles.decode.replicas: 2 → 8
   prod, staging:
!    Deployment one-decode
!      spec.replicas: 2 → 8
```

</details>

"""
    )


def fenced(text: str) -> list[str]:
    """The text outside code blocks, by line; every block must be closed."""
    outside: list[str] = []
    fence = ""
    for line in text.splitlines():
        ticks = re.match(r" {0,3}(`{3,})", line)
        if fence:
            if ticks and len(ticks[1]) >= len(fence) and line.strip() == ticks[1]:
                fence = ""
        elif ticks:
            fence = ticks[1]
        else:
            outside.append(line)
    assert not fence, "a code block is left open"
    return outside


def test_markdown_always_fits_a_comment(tmp_path: Path) -> None:
    """300 changed models: too many to tell, and each of another size."""
    files = {k: v for k, v in FILES.items() if not k.startswith("models/")}
    for number in range(300):
        env = ", ".join(f"V{n}: one" for n in range(number % 17))
        spec = f"engine: {{env: {{{env}}}}}\nroles: {{decode: {{replicas: 1}}}}"
        files[f"models/m{number:03}.yaml"] = model(f"model-{number:03}", spec, "[sim]")
    root = committed(tmp_path, files)
    for number in range(300):
        path = root / f"models/m{number:03}.yaml"
        path.write_text(
            path.read_text().replace(": one", ": two").replace("replicas: 1", "replicas: 2")
        )
    text = diff(root, "--format", "markdown")
    assert size(text) <= LIMIT
    assert size(text) > LIMIT // 2
    fenced(text)
    assert text.count("<details>") == text.count("</details>") > 0
    told = set(re.findall(r"model-\d{3}", text))
    assert len(told) == 300
    left_out = re.search(r"Details of (\d+) models are left out", text)
    assert left_out
    assert int(left_out[1]) + text.count("<details><summary><code>") == 300


@pytest.mark.parametrize("limit", [1_000, 2_000, 5_000, 20_000])
def test_markdown_fits_any_sensible_limit(tmp_path: Path, limit: int) -> None:
    from modelmill.comparison import Comparison, ModelChange, Part
    from modelmill.diff_markdown import render
    from modelmill.manifest_diff import Change, ObjectChange

    change = Change("changed", "spec.text", "`" * 50, "\U0001f600" * 200)
    objects = (ObjectChange("changed", "Deployment", "x", (change,) * 5),)
    models = tuple(
        ModelChange(f"model-{n}", "changed", (Part((f"env-{n % 12}", "prod"), objects),), ())
        for n in range(200)
    )
    text = render(Comparison(models), "HEAD", limit)
    assert size(text) <= limit
    fenced(text)


def test_what_files_hold_cannot_leave_a_code_block(tmp_path: Path) -> None:
    """Backticks, mentions, HTML, links and control characters in values and in a file's name."""
    root = committed(tmp_path)
    hostile = "``````\\n@octocat <img onerror=alert(1)> </details> ![x](https://e.example) \\u202E"
    config = f'{{"a@octocat`<b>": "{hostile}"}}'
    layers = [
        f"kvTransfer: {{connector: nixl, config: {config}}}",
        f'pod: {{annotations: {{a: "{hostile}"}}}}',
        "roles: {decode: {replicas: 2}, prefill: {}}",
    ]
    spec = "\n".join(layers)
    (root / "models/one.yaml").unlink()
    name = "models/<img src=x> @octocat `|*.yaml"
    write_files(root, {name: model("one", spec, "[sim]")})
    text = diff(root, "--format", "markdown")
    outside = "\n".join(fenced(text))
    for piece in ("octocat", "onerror", "img", "e.example"):
        assert piece not in outside
    assert "\u202e" not in text + diff(root)


def test_a_revisions_name_is_escaped_outside_code_blocks(tmp_path: Path) -> None:
    root = committed(tmp_path)
    name = "x`@octocat`<b>|_a_"
    git(root, "update-ref", f"refs/heads/{name}", "HEAD")
    edit(root, "models/one.yaml", "replicas: 2", "replicas: 8")
    outside = "\n".join(fenced(diff(root, name, "--format", "markdown")))
    assert name not in outside
    assert "x&#96;&#64;octocat&#96;&#60;b&#62;&#124;&#95;a&#95;" in outside


def test_a_broken_preset_is_told_once_and_not_for_each_model(tmp_path: Path) -> None:
    root = committed(tmp_path)
    edit(root, "presets/sim.yaml", "sharedMemory", "sharedMemry")
    ran = run(root, "diff")
    assert (ran.status, ran.stdout) == (1, "")
    assert ran.stderr.count("error[") == 1
    assert run(root, "explain", "--preset", "sim").status == 2
