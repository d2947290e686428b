"""`modelmill lint FILES`: the models that the files are part of, and no one else's faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import SMALL, model, overlay, preset, run, write_files

BROKEN = model("broken", "roles: {decode: {replicas: many}}", "[sim]")
L4 = "accelerator: {name: l4, resource: nvidia.com/gpu, perNode: 1}"
REPOSITORY = {
    **SMALL,
    "presets/wide.yaml": preset("wide", "roles: {decode: {parallelism: {tensor: 2}}}"),
    "presets/l4.yaml": preset("l4", L4),
    "models/mixed.yaml": model("mixed", "roles: {decode: {extends: [l4]}}", "[sim, wide]"),
}
ALL = ("mixed", "other")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    other = model("other", "roles: {decode: {engine: null}}", "[sim]")
    return write_files(tmp_path, {**REPOSITORY, "models/other.yaml": other})


@pytest.mark.parametrize(
    ("file", "named"),
    [
        pytest.param("models/mixed.yaml", ("mixed",), id="a-model-is-itself"),
        pytest.param("models/tiny.yaml", (), id="another-models-faults-are-left-out"),
        pytest.param("presets/sim.yaml", ALL, id="a-preset-is-every-model-on-it"),
        pytest.param("presets/l4.yaml", ("mixed",), id="a-preset-of-a-role-too"),
        pytest.param("overlays/prod/environment.yaml", ALL, id="an-environment-is-all-it-takes"),
        pytest.param("modelmill.yaml", ALL, id="the-settings-are-every-model"),
    ],
)
def test_what_a_file_stands_for(repository: Path, file: str, named: tuple[str, ...]) -> None:
    ran = run(repository, "lint", file)
    said = {each for each in ALL if f"`{each}`" in ran.stderr or f"models/{each}" in ran.stderr}
    assert said == set(named), ran.stderr
    assert ran.status == bool(named)


def test_a_finding_in_a_preset_counts_for_the_model_given(repository: Path) -> None:
    """The model's own line may be what makes a preset's value wrong."""
    ran = run(repository, "lint", "models/mixed.yaml")
    assert "presets/wide.yaml:" in ran.stderr
    assert "error[C506]" in ran.stderr


def test_a_broken_preset_is_reported_for_whoever_asks(tmp_path: Path) -> None:
    write_files(tmp_path, {**SMALL, "presets/sim.yaml": "kind: Preset\n  broken"})
    ran = run(tmp_path, "lint", "models/tiny.yaml")
    assert "presets/sim.yaml:1:" in ran.stderr
    assert "R301" not in ran.stderr


def test_a_broken_file_of_another_model_is_not(tmp_path: Path) -> None:
    write_files(tmp_path, {**SMALL, "models/broken.yaml": BROKEN})
    assert run(tmp_path, "lint", "models/tiny.yaml").status == 0
    assert run(tmp_path, "lint", "models/broken.yaml").status == 1


def test_a_broken_preset_that_the_model_does_not_extend_is_not(tmp_path: Path) -> None:
    write_files(tmp_path, {**SMALL, "presets/other.yaml": preset("other", "rolls: {}")})
    assert run(tmp_path, "lint", "models/tiny.yaml").status == 0
    assert "`rolls` is not a field" in run(tmp_path, "lint", "presets/other.yaml").stderr
    assert "`rolls` is not a field" in run(tmp_path, "lint").stderr


SPELLINGS = {
    "in-another-file-than-its-name-says": preset("base", L4),
    "quoted": preset("base", L4).replace("{name: base}", '{name: "base"}'),
    "escaped": preset("base", L4).replace("{name: base}", r'{"name": "b\x61se"}'),
    "below-its-labels": preset("base", L4).replace("{name: base}", "{labels: {a: b}, name: base}"),
    "with-windows-line-ends": preset("base", L4).replace("\n", "\r\n"),
    "with-a-comment": preset("base", L4).replace("{name: base}", "\n  # why\n  name: base # it"),
}


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("through", ["model", "preset", "role", "overlay", "overlay-of-a-role"])
def test_a_preset_is_found_however_it_is_named_and_extended(
    tmp_path: Path, text: str, through: str
) -> None:
    """The preset has one accelerator in a node, and the model asks for two."""
    role = "roles: {decode: {parallelism: {tensor: 2}%s}}"
    extending, plain = role % ", extends: [base]", role % ""
    extends = {"model": "[sim, base]", "preset": "[sim, far]"}.get(through, "[sim]")
    files = {**SMALL, "presets/any.yaml": text, "presets/far.yaml": preset("far", "{}", "[base]")}
    files["models/two.yaml"] = model("two", extending if through == "role" else plain, extends)
    if through == "overlay":
        files["overlays/prod/environment.yaml"] = overlay("prod", extends="[base]")
    if through == "overlay-of-a-role":
        files["overlays/prod/environment.yaml"] = overlay("prod", extending)
    ran = run(write_files(tmp_path, files), "lint", "models/two.yaml")
    assert "presets/any.yaml:" in ran.stderr
    assert "error[C506]" in ran.stderr


def test_a_preset_that_is_not_there_is_missed_among_all(tmp_path: Path) -> None:
    wanting = model("wanting", "{}", "[sim, wiide]")
    write_files(tmp_path, {**REPOSITORY, "models/wanting.yaml": wanting})
    assert "did you mean `wide`?" in run(tmp_path, "lint", "models/wanting.yaml").stderr


@pytest.mark.parametrize(
    "arguments", [["models/mixed.yaml"], ["models/tiny.yaml"], ["models/absent.yaml"], []]
)
def test_the_plain_spelling_says_what_any_other_does(
    repository: Path, arguments: list[str]
) -> None:
    """The plain one is run without click."""
    assert run(repository, "lint", *arguments) == run(
        repository, "lint", "--format", "text", *arguments
    )


def test_a_patch_file_is_its_environment(tmp_path: Path) -> None:
    patched = overlay("prod", more="patches: {p: {target: {kind: Service}, path: p.yaml}}\n")
    files = {**SMALL, "overlays/prod/environment.yaml": patched}
    write_files(tmp_path, {**files, "overlays/prod/p.yaml": "- {op: remove, path: /spec/none}\n"})
    ran = run(tmp_path, "lint", "overlays/prod/p.yaml")
    assert "overlays/prod/p.yaml:1:3: error[C523]" in ran.stderr


@pytest.mark.parametrize("path", ["models/absent.yaml", "../outside.yaml", "models"])
def test_a_path_that_is_no_file_is_misuse(tmp_path: Path, path: str) -> None:
    write_files(tmp_path, SMALL)
    assert run(tmp_path, "lint", path).status == 2


def test_files_that_are_no_input_are_passed_over(tmp_path: Path) -> None:
    write_files(tmp_path, {**SMALL, "README.md": "Models.\n"})
    assert run(tmp_path, "lint", "README.md").status == 0
