"""Pages that are printed from the code say what the code says."""

import re
from pathlib import Path

import pytest

from modelmill.codes import CODES
from modelmill.reference import field_reference, merge_rules
from stories import BAD, EXPECTED, command_of
from support import inputs_of, run, write_files

ROOT = Path(__file__).resolve().parents[1]
MARK = "<!-- rules -->"


def with_rules(page: str) -> str:
    """The composition page with its printed part renewed."""
    before, _, rest = page.partition(MARK)
    _, _, after = rest.partition("\n## References")
    return f"{before}{MARK}\n\n{merge_rules()}\n## References{after}"


def test_the_field_reference_is_current(request: pytest.FixtureRequest) -> None:
    page = ROOT / "docs/reference.md"
    if request.config.getoption("--update"):
        page.write_text(field_reference(), encoding="utf-8")
    assert page.read_text(encoding="utf-8") == field_reference()


def test_the_merge_rules_are_current(request: pytest.FixtureRequest) -> None:
    page = ROOT / "docs/composition.md"
    text = page.read_text(encoding="utf-8")
    if request.config.getoption("--update"):
        text = with_rules(text)
        page.write_text(text, encoding="utf-8")
    assert text == with_rules(text)


def test_the_readmes_import_prints_what_it_says() -> None:
    story = BAD / "I814-image-that-moves"
    lines = [f"$ modelmill {' '.join(command_of(story))}"]
    lines += (story / EXPECTED).read_text(encoding="utf-8").splitlines()
    shown = "".join(f"    {line}".rstrip() + "\n" for line in lines)
    assert shown in (ROOT / "README.md").read_text(encoding="utf-8")


GUIDES = {
    "import-helm-values.md": ("I801", "I820"),
    "import-modelservice.md": ("I831", "I850"),
    "import-llmisvc.md": ("I851", "I868"),
}
"""Guides to importers, and the first and last code of which they tell."""


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_to_an_import_explains_every_finding(guide: str) -> None:
    text = (ROOT / "docs" / guide).read_text(encoding="utf-8")
    first, last = GUIDES[guide]
    told = {each.code for each in CODES if first <= each.code <= last}
    assert {code for code in told if f"[{code}](diagnostics/{code}.md)" not in text} == set()


def test_links_between_pages_lead_somewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in pages
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
        if not (page.parent / link).exists()
    ]
    assert broken == []


def test_the_readmes_model_explains_itself_as_it_says(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    _, model, *_ = readme.split("```")
    shown = readme.partition("    $ modelmill explain ")[2].partition("\n\n")[0]
    arguments, *lines = shown.splitlines()
    files = {**inputs_of(ROOT), "models/llama-3-1-8b.yaml": model.removeprefix("yaml\n")}
    ran = run(write_files(tmp_path, files), "explain", *arguments.split())
    assert ran.stdout.splitlines() == [line.removeprefix("    ") for line in lines]
