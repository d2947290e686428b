"""The pages of docs/diagnostics: their index, and what each shows of its story in the corpus."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from modelmill.codes import CODES
from stories import BAD, EXPECTED

PAGES = Path(__file__).resolve().parents[1] / "docs" / "diagnostics"
INDEX = PAGES / "README.md"
ROOMS = {
    "Y": "YAML",
    "N": "Files and names",
    "R": "Presets, environments and references",
    "S": "Fields",
    "C": "Checks",
    "O": "generated/",
    "K": "kustomize",
    "I": "Importing",
    "G": "Git and delivery",
    "V": "Validating",
}
_shown = re.compile(r"<!-- corpus: (\S+) -->\n\n```text\n(.*?)```\n", re.DOTALL).search
_code = re.compile(r"^```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE).findall
_file = re.compile(r"^`(\S+)`:$", re.MULTILINE).search


class Example(NamedTuple):
    """Lines of a story's file that are wrong, and what to write instead."""

    file: str
    bad: str
    fixed: str


def page(code: str) -> Path:
    return PAGES / f"{code}.md"


def story_of(text: str) -> str:
    found = _shown(text)
    assert found, "the page names no story of the corpus"
    return found[1]


def with_output(text: str) -> str:
    """The page with what is printed of its story today."""
    said = (BAD / story_of(text) / EXPECTED).read_text()
    return _replaced(text, f"<!-- corpus: {story_of(text)} -->\n\n```text\n{said}```\n")


def _replaced(text: str, block: str) -> str:
    found = _shown(text)
    assert found
    return text[: found.start()] + block + text[found.end() :]


def example_of(text: str) -> Example | None:
    """None for a page whose fault is not mended in one file."""
    blocks, file = _code(text), _file(text)
    return Example(file[1], *blocks) if file and len(blocks) == 2 else None


def index() -> str:
    """The list of all codes, as README.md holds it."""
    lines = [
        "# Diagnostics",
        "",
        "Every finding has a code. An error ends a command with status 1; a warning does not.",
        "Printed from `codes.py`: `pytest tests/test_house.py --update` renews it.",
    ]
    for letter, title in ROOMS.items():
        lines += ["", f"## {letter}: {title}", "", "| Code | | |", "|---|---|---|"]
        lines += [
            f"| [{c.code}]({c.code}.md) | {c.severity} | {c.title} |"
            for c in CODES
            if c.code.startswith(letter)
        ]
    return "\n".join(lines) + "\n"
