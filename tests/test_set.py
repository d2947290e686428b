"""`modelmill set`: what it writes, what it says of it, and what it refuses."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from support import PROJECT, SIM, Ran, model, overlay, preset, run, write_files

ONE = """\
# One model, with care.
apiVersion: modelmill.dev/v1alpha1
kind: Model
metadata: {name: one, labels: {team: "search"}}
extends: [sim]
spec:
  # What is served.
  model:
    name: acme/one   # as clients call it
    uri: hf://acme/one
  engine:
    args: {max-model-len: 1024}
    env:
      GREETING: |
        hello
          you

  roles:
    decode: {replicas: 2}  # enough
environments:
  prod: {roles: {decode: {replicas: 4}}}
"""
FILES = {
    "modelmill.yaml": PROJECT,
    "presets/sim.yaml": SIM,
    "presets/gateway.yaml": preset("gateway", "sharedMemory: 1Gi"),
    "models/one.yaml": ONE,
    "models/two.yaml": model("two", "roles: {decode: {replicas: 1}}", "[sim, gateway]"),
    "overlays/prod/environment.yaml": overlay("prod"),
    "overlays/staging/environment.yaml": overlay("staging", "engine: {args: {seed: 7}}"),
    "overlays/none/environment.yaml": overlay("none", more="selector: {matchLabels: {a: b}}\n"),
}
PATH = "models/one.yaml"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_files(tmp_path, FILES)


def text(root: Path, path: str = PATH) -> str:
    return (root / path).read_bytes().decode()


def done(root: Path, *arguments: str) -> Ran:
    ran = run(root, "set", *arguments)
    assert ran.status == 0, ran.stderr
    return ran


def refused(root: Path, *arguments: str, status: int = 1) -> str:
    """What is said by a command that must change nothing."""
    before = {path: (root / path).read_bytes() for path in FILES if (root / path).exists()}
    ran = run(root, "set", *arguments)
    assert ran.status == status, ran.stdout + ran.stderr
    assert before == {path: (root / path).read_bytes() for path in before}
    assert not [each for each in root.rglob("*") if "modelmill-new" in each.name]
    return ran.stderr


def changed_lines(root: Path, path: str = PATH, before: Mapping[str, str] = FILES) -> list[str]:
    old, new = before[path].splitlines(), text(root, path).splitlines()
    return [line for line in new if line not in old]


def test_one_value_changes_and_nothing_else(root: Path) -> None:
    ran = done(root, "one", "roles.decode.replicas=3")
    assert text(root) == ONE.replace("{replicas: 2}  # enough", "{replicas: 3}  # enough")
    assert "spec.roles.decode.replicas: 2 → 3" in ran.stdout
    assert "~ spec.replicas: 2 → 3" in ran.stdout


def test_an_environment_has_an_entry_of_its_own(root: Path) -> None:
    done(root, "one", "-e", "staging", "roles.decode.replicas=3")
    assert changed_lines(root) == ["  staging: {roles: {decode: {replicas: 3}}}"]
    done(root, "two", "-e", "prod", "roles.decode.replicas=3")
    assert text(root, "models/two.yaml").endswith(
        "environments: {prod: {roles: {decode: {replicas: 3}}}}\n"
    )


def test_a_preset_an_overlay_and_the_project_are_edited_as_well(root: Path) -> None:
    done(root, "--preset", "gateway", "sharedMemory=2Gi")
    assert "sharedMemory: 2Gi" in text(root, "presets/gateway.yaml")
    done(root, "--overlay", "prod", "namespace=llm", "spec.sharedMemory=3Gi")
    assert "namespace: llm\n" in text(root, "overlays/prod/environment.yaml")
    assert text(root, "overlays/prod/environment.yaml").endswith("spec: {sharedMemory: 3Gi}\n")
    pinned = "ghcr.io/acme/sim@sha256:" + "a" * 64
    done(root, "--project", f"versions.images.endpointPicker={pinned}")
    assert changed_lines(root, "modelmill.yaml") == [
        "versions:",
        "  set: llm-d-v0.9",
        "  images:",
        f"    endpointPicker: {pinned}",
    ]


def test_a_preset_is_changed_for_another(root: Path) -> None:
    done(root, "one", "extends=[sim, gateway]")
    assert changed_lines(root) == ["extends: [sim, gateway]"]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("on", '"on"'),
        ("1e3", '"1e3"'),
        ("012", '"012"'),
        ("12:30", '"12:30"'),
        ("a: b", '"a: b"'),
        ("a #b", '"a #b"'),
        ("a, b", '"a, b"'),
        ("*", '"*"'),
        ("- x", '"- x"'),
        ("two\nlines", '"two\\nlines"'),
        ("été", '"été"'),
        ("${model.name}", '"${model.name}"'),
        ("$${HOME}", '"$${HOME}"'),
        ('"quoted"', "quoted"),
        ("'5'", '"5"'),
        ('""', '""'),
        ("5", "5"),
        ("0.5", "0.5"),
        ("true", "true"),
        ("[a, 1]", "[a, 1]"),
    ],
)
def test_values_are_written_so_that_every_reader_takes_them_alike(
    root: Path, value: str, written: str
) -> None:
    done(root, "one", f"engine.args.note={value}")
    (line,) = changed_lines(root)
    assert line == f"    args: {{max-model-len: 1024, note: {written}}}"


def test_what_a_field_takes_as_text_alone_is_quoted(root: Path) -> None:
    done(root, "one", "engine.version=0.26", "model.revision=1234567")
    assert '    revision: "1234567"' in text(root)
    assert '    version: "0.26"' in text(root)


def test_a_number_spelt_in_another_way_stays_text_where_text_is_taken(root: Path) -> None:
    done(root, "one", "engine.env.MASK=0x1F", "engine.env.SHARE=0.50", "engine.env.COUNT=5")
    for line in ('MASK: "0x1F"', 'SHARE: "0.50"', "COUNT: 5"):
        assert f"      {line}\n" in text(root)


def test_text_of_several_lines_is_written_as_lines(root: Path) -> None:
    done(root, "one", "engine.env.GREETING=good\nbye\n")
    assert "      GREETING: |\n        good\n        bye\n" in text(root)


def test_null_unsets_and_unset_takes_out(root: Path) -> None:
    done(root, "one", "-e", "prod", "sharedMemory=null", "--unset", "roles.decode.replicas")
    assert changed_lines(root) == ["  prod: {roles: {decode: {}}, sharedMemory: null}"]
    ran = done(root, "one", "--unset", "roles.decode.replicas", "--unset", "engine.seed")
    assert "decode: {}  # enough" in text(root)
    assert "does not set spec.engine.seed" in ran.stderr


def test_keys_with_dots_are_in_brackets(root: Path) -> None:
    done(root, "one", 'metadata.annotations["a.b/c"]=x')
    assert "  metadata:\n    annotations:\n      a.b/c: x\n" in text(root)


def test_below_a_null_a_mapping_begins(root: Path) -> None:
    edited = ONE.replace("    args: {max-model-len: 1024}\n", "    args:\n")
    (root / PATH).write_text(edited)
    done(root, "one", "engine.args.seed=1")
    assert text(root) == edited.replace("    args:\n", "    args: {seed: 1}\n")


def test_line_ends_and_a_missing_last_one_stay(root: Path) -> None:
    (root / PATH).write_bytes(ONE.rstrip("\n").replace("\n", "\r\n").encode())
    done(root, "one", "-e", "staging", "roles.decode.replicas=3")
    meant = ONE + "  staging: {roles: {decode: {replicas: 3}}}"
    assert text(root) == meant.replace("\n", "\r\n")


def test_a_value_already_so_is_no_write(root: Path) -> None:
    before = (root / PATH).stat()
    ran = done(root, "one", "roles.decode.replicas=2", "extends=[sim]")
    assert (ran.stdout, ran.stderr) == ("", f"{PATH} says so already\n")
    assert (root / PATH).stat().st_ino == before.st_ino


def test_a_dry_run_shows_all_and_writes_nothing(root: Path) -> None:
    ran = done(root, "one", "roles.decode.replicas=3", "--dry-run")
    assert "~ spec.replicas: 2 → 3" in ran.stdout
    assert "would be written" in ran.stderr
    assert text(root) == ONE


def test_a_higher_layer_that_says_otherwise_is_told(root: Path) -> None:
    said = done(root, "one", "roles.decode.replicas=3").stderr
    assert (
        "roles.decode.replicas has no effect in `prod`: model `one`, its entry for `prod`" in said
    )
    assert "models/one.yaml:21:37" in said
    said = done(root, "one", "engine.args.seed=1").stderr
    assert "no effect in `staging`: overlay `staging` sets it" in said
    said = done(root, "--preset", "gateway", "engine.args.seed=1").stderr
    assert "no effect in `staging` of `two`: overlay `staging`" in said


def test_the_mode_of_the_file_stays(root: Path) -> None:
    (root / PATH).chmod(0o640)
    done(root, "one", "roles.decode.replicas=3")
    assert stat.S_IMODE((root / PATH).stat().st_mode) == 0o640


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["one", "roles.decode.tensr=3"], "`tensr` is not a field of a role"),
        (["one", "replica=3"], "did you mean `replicas`?"),
        (["one", "roles.decode.replicas=many"], "`replicas` must be a whole number"),
        (["one", "model.name.first=x"], "`spec.model.name` is a single value"),
        (["one", "model[0]=x"], "`spec.model` is no list"),
        (["--overlay", "none", "selector.matchLabels.a[0]=x"], "is a single value"),
        (["one", "engine.env.API_KEY=sk-0123456789abcdef"], "error[C528]"),
        (["one", "engine.image=${engine.nothing}"], "engine.nothing"),
        (["one", "-e", "prod", "roles.decode=null"], "error["),
    ],
)
def test_what_does_not_compile_is_not_written(root: Path, arguments: list[str], said: str) -> None:
    assert said in refused(root, *arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name a model first"),
        (["roles.decode.replicas=3"], "name a model first"),
        (["one"], "say what to set"),
        (["one", "replicas"], "is not path=value"),
        (["one", "replicas="], "says nothing"),
        (["one", "a..b=1"], "is not a path"),
        (["one", "engine.args={a: 1"], "is not YAML"),
        (["one", "engine.args.a=\x00"], "characters that YAML does not allow"),
        (["ona", "replicas=3"], "did you mean `one`?"),
        (["one", "-e", "prd", "replicas=3"], "did you mean `prod`?"),
        (["one", "-e", "none", "replicas=3"], "does not take `one`"),
        (["--preset", "sin", "replicas=3"], "did you mean `sim`?"),
        (["--preset", "sim", "-e", "prod", "replicas=3"], "exclude each other"),
        (["--overlay", "none", "--unset", "spec.a[0]"], "an item of a list cannot be unset"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(root: Path, arguments: list[str], said: str) -> None:
    assert said in refused(root, *arguments, status=2)


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (ONE.replace("  engine:\n", "<<<<<<< HEAD\n  engine:\n"), "Y117"),
        (ONE + "---\n" + ONE, "Y111"),
        (ONE.replace("    args:", "\targs:"), "Y102"),
        (ONE.replace("args: {", "args: &a {"), "Y104"),
    ],
)
def test_a_file_that_cannot_be_read_is_not_edited(root: Path, broken: str, code: str) -> None:
    (root / PATH).write_text(broken)
    assert f"error[{code}]" in refused(root, "one", "roles.decode.replicas=3")


def test_a_link_is_not_followed(root: Path) -> None:
    (root / "elsewhere.yaml").write_text(ONE)
    (root / PATH).unlink()
    (root / PATH).symlink_to("../elsewhere.yaml")
    assert "there is no model `one`" in refused(root, "one", "roles.decode.replicas=3", status=2)
    assert (root / "elsewhere.yaml").read_text() == ONE


def test_a_read_only_file_is_left(root: Path) -> None:
    (root / PATH).chmod(0o444)
    assert "it is read-only" in refused(root, "one", "roles.decode.replicas=3")


def test_a_file_that_changes_meanwhile_is_left(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from modelmill.editing import outcome

    real = outcome.compile_repository

    def and_meanwhile(*arguments: object, **options: object) -> object:
        (root / PATH).write_text(ONE + "# somebody was here\n")
        return real(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(outcome, "compile_repository", and_meanwhile)
    ran = run(root, "set", "one", "roles.decode.replicas=3")
    assert ran.status == 1
    assert "has changed meanwhile" in ran.stderr
    assert text(root) == ONE + "# somebody was here\n"


def test_errors_of_before_do_not_keep_the_first_of_two_from_being_mended(root: Path) -> None:
    broken = FILES["models/two.yaml"].replace("replicas: 1", "replicas: 1, tensr: 2")
    (root / "models/two.yaml").write_text(broken)
    done(root, "one", "roles.decode.replicas=3")
    (root / PATH).write_text(ONE.replace("extends: [sim]", "extends: [sim, lost]"))
    assert "error[" in refused(root, "one", "roles.decode.replicas=many")


def test_file_names_are_not_mixed_up_by_what_a_cut_off_run_left(root: Path) -> None:
    target = root / "elsewhere"
    target.write_text("untouched")
    os.symlink("../elsewhere", root / f"{PATH}.modelmill-new")
    done(root, "one", "roles.decode.replicas=3")
    assert target.read_text() == "untouched"


def test_a_line_that_is_quoted_shows_no_secret_beside_what_is_wrong(root: Path) -> None:
    args = "args: {max-model-len: 1024}"
    env = (
        f'{args}\n    env: {{API_KEY: "pass word", PLACE: "${{model.name}}", A: a, MAX: pass word}}'
    )
    (root / PATH).write_text(
        ONE.partition("    env:")[0].replace(args, env) + "  roles: {decode: {}}\n"
    )
    said = refused(root, "one", "engine.env.A.b=1")
    assert "pass word" not in said
    assert '{API_KEY: ***** *****, PLACE: "${model.name}", A: a, MAX: **** ****}' in said
    assert "pass word" not in run(root, "set", "one", "hf_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ4c").stderr
