"""The rules of the house: registries name every file, every code is documented, sizes keep."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from diagnostic_pages import INDEX, PAGES, example_of, index, page, story_of, with_output
from modelmill import argv, checks, console, engines, kinds, reports
from modelmill.codes import CODES, Code
from modelmill.spec.role import ROLE_TYPES
from modelmill.syntax import parse
from stories import BAD, code_of, command_of, copy, printed, stories
from stories_made import MADE

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "compiler" / "modelmill"
MODULES = sorted(PACKAGE.rglob("*.py"))
KNOWN = [each.code for each in CODES]
CODE = re.compile(r"\b[YNRSCOKIGV][1-9][0-9]{2}\b")

LONGEST_FUNCTION = 60
LONGEST_MODULE = 300
OVERLONG_MODULES = {"codes.py", "patch.py"}
"""Modules over the limit. A new name here is a choice made in the open."""
OVERLONG_FUNCTIONS: set[str] = set()


def names_in(folder: str, *, beside: tuple[str, ...] = ()) -> set[str]:
    files = (PACKAGE / folder).glob("*.py")
    return {f.stem for f in files if f.stem not in ("__init__", *beside)}


def names_of(modules: object) -> set[str]:
    assert isinstance(modules, tuple)
    return {module.__name__.rpartition(".")[2] for module in modules}


def test_every_kind_is_registered() -> None:
    helpers = tuple(f for f in names_in("kinds") if not _defines(f"kinds/{f}.py", "emit"))
    assert set(kinds.ROWS) == names_in("kinds", beside=helpers)


def test_every_engine_is_registered() -> None:
    assert names_of(engines.MODULES) == names_in("engines", beside=("flags", "vllm_kv"))
    catalogues = {f.stem for f in (PACKAGE / "data" / "engines").glob("*.yaml")}
    # What modelmill does not know has no flags it could list.
    assert set(engines.ENGINES) - {"custom"} == catalogues


def test_every_check_is_registered() -> None:
    registered = {*checks.VARIANT_RULES, *checks.ENVIRONMENT_RULES, *checks.FLEET_RULES}
    assert registered == names_in("checks", beside=("facts",))


def test_every_report_is_registered() -> None:
    assert set(reports.FORMATS.values()) == names_in("reports", beside=("wording",))
    assert tuple(reports.FORMATS) == console.FORMATS


def test_every_command_is_registered() -> None:
    helpers = tuple(f for f in names_in("commands") if not _defines(f"commands/{f}.py", "command"))
    files = {name.replace("_", "-") for name in names_in("commands", beside=helpers)}
    assert {argv.MODULES.get(name, name) for name in argv.COMMANDS} == files


def _defines(module: str, name: str) -> bool:
    return bool(re.search(rf"^(def )?{name}\b", (PACKAGE / module).read_text(), re.MULTILINE))


def test_every_code_in_the_source_is_registered_and_used() -> None:
    literals = {
        text
        for module in MODULES
        if module.name != "codes.py"
        for text in _strings(ast.parse(module.read_text()))
        if CODE.fullmatch(text)
    }
    assert sorted(literals) == sorted(KNOWN)


def _strings(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_codes_are_in_order() -> None:
    rooms = "YNRSCOKIGV"
    assert sorted(KNOWN, key=lambda code: (rooms.index(code[0]), code)) == KNOWN
    assert len(set(KNOWN)) == len(KNOWN)


@pytest.mark.parametrize("code", KNOWN)
def test_every_code_has_a_bad_case(code: str) -> None:
    assert code in {code_of(story) for story in (*stories(BAD), *MADE)}


@pytest.mark.parametrize("entry", CODES, ids=KNOWN)
def test_every_code_has_a_page(entry: Code, request: pytest.FixtureRequest) -> None:
    path = page(entry.code)
    text = path.read_text()
    if request.config.getoption("--update"):
        text = with_output(text)
        path.write_text(text)
    assert text == with_output(text)
    assert text.startswith(f"# {entry.code}: {entry.title}\n")
    assert re.search(rf"^(\S+ )?{entry.severity}\[{entry.code}\]: ", text, re.MULTILINE)
    assert code_of(story_of(text)) == entry.code


@pytest.mark.parametrize("code", [c for c in KNOWN if example_of(page(c).read_text())])
def test_the_fix_on_a_page_is_one(code: str, tmp_path: Path) -> None:
    text = page(code).read_text()
    example = example_of(text)
    assert example
    story = BAD / story_of(text)
    repository = copy(story, tmp_path)
    file = repository / example.file
    before = file.read_text()
    assert example.bad in before
    file.write_text(before.replace(example.bad, example.fixed))
    said = printed(repository, command_of(story))
    assert f"{example.file}:" not in said or f"[{code}]" not in said, said


def test_no_page_is_left_over() -> None:
    assert {f.name for f in PAGES.glob("*.md")} == {f"{code}.md" for code in KNOWN} | {INDEX.name}


def test_the_index_of_pages_is_current(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update"):
        INDEX.write_text(index())
    assert INDEX.read_text() == index()


def test_functions_are_short() -> None:
    long = {
        f"{module.name}:{node.name}"
        for module in MODULES
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.FunctionDef)
        and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    }
    assert long <= OVERLONG_FUNCTIONS


def test_modules_are_short() -> None:
    long = {m.name for m in MODULES if len(m.read_text().splitlines()) > LONGEST_MODULE}
    assert long <= OVERLONG_MODULES


def test_only_the_console_prints() -> None:
    prints = re.compile(r"\bprint\(|sys\.stdout\.write|sys\.stderr\.write|click\.echo\(")
    assert [m.name for m in MODULES if prints.search(m.read_text())] == ["console.py"]


def test_the_compiler_knows_no_preset_by_name() -> None:
    """Presets are data: what one does must not hang on what it is called."""
    presets = {
        parse(path.name, path.read_bytes()).nearest("metadata", "name").value
        for path in (ROOT / "presets").rglob("*.yaml")
    }
    # One word may be a field or an engine as well as a preset; such a name tells nothing.
    presets = {name for name in presets if "-" in name} - {*engines.ENGINES, *ROLE_TYPES}
    literals = {text for m in MODULES for text in _strings(ast.parse(m.read_text()))}
    assert not presets & literals
