"""Time and memory follow the size of the input, and the input has a size.

Work is counted, in values, characters and bytes: never in seconds.
"""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from modelmill import repository, sources
from modelmill.diagnostics import MOST_NAMES, CompileError, Diagnostic, closest
from modelmill.files import MAX_BYTES, DiskFiles, EditedFiles
from modelmill.gotypes.yaml_data import MAX_DEPTH as MAX_YAML_DEPTH
from modelmill.gotypes.yaml_data import read_yaml
from modelmill.jsontext import MAX_DEPTH, read_json
from modelmill.listing import MAX_FOLDERS
from modelmill.references import MAX_WORK, MOST_FAULTS, substitute
from modelmill.repository import index
from modelmill.shapes import MOST_FOUND
from modelmill.sources import MAX_FILES, MAX_TOTAL, read_sources
from modelmill.syntax import MOST_PROBLEMS, parse
from modelmill.tree import plant
from modelmill.validation.inputs import read_given
from regexes import doubtful, patterns
from support import HEAD, PROJECT, SIM, SMALL, model, overlay, run, write_files

PLACE = ("limits.yaml", 1, 1, 1)
NOTHING = DiskFiles(Path("/nowhere/at/all"))
LONG = "x" * (MAX_BYTES // 2)


def refused(act: Callable[[], object]) -> tuple[Diagnostic, ...]:
    with pytest.raises(CompileError) as caught:
        act()
    return caught.value.diagnostics


def in_memory(texts: dict[str, str]) -> sources.Sources:
    return read_sources(Path("/nowhere"), {}, EditedFiles(NOTHING, {**SMALL, **texts}))


# What is read


def test_there_may_be_so_many_files() -> None:
    texts = {f"presets/p{number:05}.yaml": f"{HEAD}Preset\n" for number in range(MAX_FILES)}
    found = refused(lambda: in_memory(texts))
    assert found[-1].code == "Y109"
    assert "more than 50,000 input files" in found[-1].message


def test_files_may_have_so_many_bytes_together() -> None:
    text = f"{HEAD}Preset\n" + "# padding\n" * (MAX_BYTES // 11)
    count = MAX_TOTAL // len(text) + 1
    found = refused(lambda: in_memory({f"presets/p{n:03}.yaml": text for n in range(count)}))
    assert found[-1].code == "Y109"
    assert "256 MiB" in found[-1].message


def test_folders_may_be_so_deep(tmp_path: Path) -> None:
    """More than a thousand of them fit in a path, and in no stack of Python."""
    inside = "/".join(["d"] * 100)
    write_files(tmp_path, {**SMALL, f"models/{inside}/a.yaml": "{"})
    ran = run(tmp_path, "lint", "--format", "text")
    assert ran.status == 1
    assert f"error[Y115]: folders nest deeper than {MAX_FOLDERS}" in ran.stderr


def test_a_patch_file_is_read_once_however_often_it_is_named(tmp_path: Path) -> None:
    entries = "".join(f"  p{n}: {{target: {{kind: Job}}, path: big.yaml}}\n" for n in range(200))
    write_files(
        tmp_path,
        {
            **SMALL,
            "overlays/prod/environment.yaml": overlay("prod", more=f"patches:\n{entries}"),
            "overlays/prod/big.yaml": "- {op: remove, path: /a}\n" * 1000,
        },
    )
    read: list[str] = []

    class Counting(DiskFiles):
        def read(self, path: str) -> bytes:
            read.append(path)
            return super().read(path)

    read_sources(tmp_path, {}, Counting(tmp_path))
    assert read.count("overlays/prod/big.yaml") == 1


def test_models_times_environments_has_a_limit() -> None:
    names = [f"n{number:03}" for number in range(300)]
    texts = {f"models/{n}.yaml": model(n, extends="[sim]") for n in names}
    texts |= {f"overlays/{n}/environment.yaml": overlay(n) for n in names}
    assert len(names) ** 2 > repository.MAX_VARIANTS
    (found,) = refused(lambda: index(in_memory(texts)))
    assert found.code == "N210"


# What is made of it

TALL = {f"k{number}": "${leaf}" for number in range(20_000)}
EXPANSIONS = {
    "a line of many": {"big": LONG, "a": "${big}" * 100_000},
    "many lines": {"big": LONG, "a": {f"k{n}": "${json(big)}" for n in range(20_000)}},
    "many whole values": {"big": ["x"] * 20_000, "a": ["${big}"] * 20_000},
    "many walks": {"leaf": "v", "big": TALL, "a": {f"k{n}": "${json(big)}" for n in range(20_000)}},
    "many functions": {"big": " " * len(LONG), "a": {f"k{n}": "${slug(big)}" for n in range(2000)}},
    "values in values": {"leaf": "v", "big": TALL, "a": ["${big}"] * 2000},
}


@pytest.mark.parametrize("spec", EXPANSIONS.values(), ids=EXPANSIONS)
def test_references_together_have_a_limit(spec: dict[str, object]) -> None:
    tree = plant(spec, PLACE)
    tracemalloc.start()
    found = refused(lambda: substitute(tree, {}))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found[-1].code == "R309"
    assert peak < 8 * MAX_WORK


def test_after_so_many_faults_nobody_reads_on() -> None:
    names = {f"k{number}": "v" for number in range(5000)}
    wrong = {f"k{number}": f"${{names.z{number}}}" for number in range(5000)}
    tree = plant({"names": names, "a": wrong}, PLACE)
    assert len(refused(lambda: substitute(tree, {}))) == MOST_FAULTS
    unknown = HEAD + "Model\nspec:\n" + "".join(f"  k{number}: 1\n" for number in range(5000))
    found = refused(lambda: in_memory({"models/tiny.yaml": unknown}) and parse("a.yaml", b"{"))
    assert len(found) <= MOST_FOUND
    ambiguous = "".join(f"k{number}: yes\n" for number in range(5000)).encode()
    assert len(refused(lambda: parse("a.yaml", ambiguous))) <= MOST_PROBLEMS + 1


def test_a_likely_name_is_not_looked_for_among_very_many() -> None:
    names = [f"name-{number}" for number in range(MOST_NAMES)]
    assert closest("name-1x", names)
    assert closest("name-1x", [*names, "one-more"]) is None


@pytest.mark.parametrize("length", [10, 1000, 100_000])
def test_deep_json_and_yaml_end_in_no_stack(length: int) -> None:
    """PyYAML's C parser dies of what is nested 30,000 deep."""
    for text in ("[" * length, "[" * length + "]" * length, '{"a":' * length + "1" + "}" * length):
        for reader, deepest in ((read_json, MAX_DEPTH), (read_yaml, MAX_YAML_DEPTH)):
            if length > deepest or not text.endswith(("]", "}")):
                with pytest.raises(ValueError, match=r"."):
                    reader(text)
            else:
                reader(text)


def test_aliases_in_strings_do_not_multiply() -> None:
    lines = ["a0: &a0 [lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    with pytest.raises(ValueError, match="values"):
        read_yaml("\n".join(lines))
    assert read_yaml("a: &a {b: 1}\nc: {<<: *a, d: 2}") == {"a": {"b": 1}, "c": {"b": 1, "d": 2}}


def memory_of(texts: dict[str, str], folder: Path) -> int:
    write_files(folder, texts)
    tracemalloc.start()
    ran = run(folder, "lint")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert ran.status in (0, 1)
    return peak


def many(count: int, form: str, before: str, after: str) -> str:
    return before + ", ".join(form.format(number) for number in range(count)) + after


GROWING: dict[str, Callable[[int], str]] = {
    "roles": lambda n: many(n, "r{}: {{type: prefill-decode}}", "roles: {", "}"),
    "arguments": lambda n: many(n, "a{}: 1", "engine: {args: {", "}}"),
    "variables": lambda n: many(n, "A{}: b", "engine: {env: {", "}}"),
    "references": lambda n: many(n, "A{}: '${{engine.env.B}}'", "engine: {env: {B: c, ", "}}"),
    "unknown fields": lambda n: many(n, "k{}: 1", "routing: {", "}"),
}


@pytest.mark.parametrize("what", GROWING)
def test_memory_grows_with_the_input(what: str, tmp_path: Path) -> None:
    """Four times the input takes four times the memory, not sixteen."""
    roles = "" if what == "roles" else "roles: {decode: {type: prefill-decode}}\n"
    peaks = []
    for size in (100, 400):
        spec = roles + GROWING[what](size)
        texts = {**SMALL, "presets/sim.yaml": SIM, "models/tiny.yaml": model("tiny", spec, "[sim]")}
        memory_of(texts, tmp_path / f"warm{size}")
        peaks.append(memory_of(texts, tmp_path / f"{size}"))
    assert peaks[1] < 6 * peaks[0]


# Regular expressions

KNOWN_TO_BE_FAST = {
    "modelmill.engines.flags._has_arithmetic": "`$((` parts the text, and each part is read once",
    "modelmill.importers.gotemplate.lexer._TOKEN": "a sign after `e` is no word",
    "modelmill.secret_patterns.PATTERNS": "nothing has to follow the last repeat",
    "modelmill.secret_patterns._MARKED": "the same ones",
}
"""Patterns that look as if they could backtrack, and why they do not."""


def test_no_pattern_takes_more_than_linear_time() -> None:
    found = {name: doubtful(each) for name, each in patterns().items()}
    assert len(found) > 200
    slow = {name: why for name, why in found.items() if why}
    assert {name.partition("[")[0] for name in slow} == set(KNOWN_TO_BE_FAST), slow


# What is validated


def test_kustomizations_that_double_end(tmp_path: Path) -> None:
    texts = {
        f"k{n}/kustomization.yaml": f"resources: [../k{n + 1}, ../k{n + 1}/]\n" for n in range(30)
    }
    write_files(tmp_path, {**texts, "k30/kustomization.yaml": "resources: []\n"})
    ran = run(tmp_path, "validate", "k0", "--format", "text")
    assert ran.status == 1
    assert "more than 1,000 kustomizations are taken in" in ran.stderr


def test_pipes_and_links_among_manifests_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "away").mkdir()
    (tmp_path / "away/secret.txt").write_text("root:hunter2: [\n")
    (tmp_path / "in").mkdir()
    os.mkfifo(tmp_path / "in/pipe.yaml")
    (tmp_path / "in/zero.yaml").symlink_to("/dev/zero")
    (tmp_path / "in/away.yaml").symlink_to(tmp_path / "away/secret.txt")
    texts: dict[str, str] = {}
    given = read_given(tmp_path, ["in"], lambda: b"", texts)
    assert [each.code for each in given.findings] == ["V100"] * 3
    assert "hunter2" not in repr(texts)


def test_a_kustomization_reads_no_file_that_is_not_its_own(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "away/secret.txt": "root:hunter2: [\n",
            "k/kustomization.yaml": "resources: [../away/secret.txt]\n"
            "patches: [{path: ../away/secret.txt}]\n",
        },
    )
    (tmp_path / "k/link.yaml").symlink_to(tmp_path / "away/secret.txt")
    texts: dict[str, str] = {}
    given = read_given(tmp_path, ["k"], lambda: b"", texts)
    assert "hunter2" not in repr((texts, given))


def test_the_project_is_small() -> None:
    """What these tests bend is sound."""
    assert not index(in_memory({"modelmill.yaml": PROJECT})).problems
