"""PyYAML's C parser without its Python twin: the same events, errors and package, later."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import sys
from modelmill.libyaml import YAMLError, events_of
def events(text):
    following, found = events_of(text), []
    while (event := following()) is not None:
        found.append(type(event).__name__)
    return found
assert events("a: [1]")[2:4] == ["MappingStartEvent", "ScalarEvent"]
assert "yaml.reader" not in sys.modules
"""
FAULTS = {
    "parser": ("a: [1\nb: c", "ParserError"),
    "scanner": ("a: 'x", "ScannerError"),
    "reader": ("a: \x00", "ReaderError"),
}


def runs(script: str) -> None:
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("module", FAULTS)
def test_an_error_is_the_packages_own(module: str) -> None:
    text, name = FAULTS[module]
    runs(
        f"{SCRIPT}\n"
        f"try: events({text!r})\n"
        f"except YAMLError as fault: found = fault\n"
        f"import yaml\n"
        f"assert type(found) is yaml.{module}.{name}, type(found)\n"
        f"assert str(found)\n"
    )


def test_whoever_asks_for_more_gets_the_whole_package() -> None:
    runs(
        f"{SCRIPT}\n"
        "import yaml\n"
        "from yaml import CSafeLoader\n"
        "assert yaml.load('a: [1, 2]', CSafeLoader) == {'a': [1, 2]}\n"
        "assert yaml.safe_dump({'a': 1}) == 'a: 1\\n'\n"
        "assert yaml.events.ScalarEvent is type(list(yaml.parse('a'))[2])\n"
        "try: yaml.load('[', CSafeLoader)\n"
        "except yaml.parser.ParserError: pass\n"
        "else: raise AssertionError\n"
    )


def test_where_the_package_is_there_already_it_is_taken() -> None:
    runs("import yaml\nimport modelmill.libyaml as ours\nassert ours.YAMLError is yaml.YAMLError")


def test_without_the_c_parser_the_other_is_asked() -> None:
    whole = SCRIPT.replace('"yaml.reader" not in', '"yaml.reader" in')
    runs(
        f"import sys\nsys.modules['yaml._yaml'] = None\n{whole}\n"
        "import yaml\n"
        "assert yaml.safe_load('a: 1') == {'a': 1}\n"
    )
