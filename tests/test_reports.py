"""Each format, exactly: what people read, what programs parse, what no input may smuggle in."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest

from modelmill.diagnostics import Diagnostic, Note, Span, error, warning
from modelmill.reports import FORMATS, render

LLAMA = "kind: Model\nspec:\n        tensr: 4\n"
MISSPELT = error(
    "S401",
    "`tensr` is not a field of parallelism",
    Span("models/llama.yaml", 3, 9, 5),
    "did you mean `tensor`?",
    [Note("extended here", Span("presets/h100.yaml", 6, 3))],
)
LOW = warning("C102", "replicas is 0", Span("models/llama.yaml", 2, 1, 4))
EMPTY = error("P101", "no models found", hint="add one with `modelmill new`")
ANSI = "\x1b[2J\x1b]0;owned\x07"


def text_of(*diagnostics: Diagnostic, **texts: str) -> str:
    return render("text", diagnostics, {"m.yaml": texts.get("m", "")})


def frame_of(line: str, column: int, width: int = 1, hint: str = "") -> list[str]:
    """The shown line and its carets, margins off."""
    report = text_of(error("S1", "no", Span("m.yaml", 1, column, width), hint), m=line)
    return [shown[8:] for shown in report.splitlines()[1:3]]


def sarif_run(*diagnostics: Diagnostic) -> Any:
    return json.loads(render("sarif", diagnostics, {}))["runs"][0]


def test_the_formats_in_the_order_users_see() -> None:
    assert list(FORMATS) == ["text", "json", "github", "sarif", "junit"]


@pytest.mark.parametrize("name", FORMATS)
def test_hostile_text_breaks_no_format(name: str) -> None:
    hostile = f"{ANSI}\u202e\ud800\x00\u2028\r\n::error::<&\"']]>%0A](http://x)"
    span = Span(hostile, 1, 1, 3)
    found = error(hostile, hostile, span, hostile, [Note(hostile, span), Note(hostile)])
    report = render(name, [found], {hostile: hostile})
    assert "\x1b" not in report
    assert "\u202e" not in report
    assert not any(line.startswith("::error::") for line in report.splitlines())


# text


def test_text_shows_place_line_carets_hint_notes_and_count() -> None:
    assert render("text", [LOW, MISSPELT], {"models/llama.yaml": LLAMA}) == (
        "models/llama.yaml:2:1: warning[C102]: replicas is 0\n"
        "    2 | spec:\n"
        "      | ^^^^\n"
        "models/llama.yaml:3:9: error[S401]: `tensr` is not a field of parallelism\n"
        "    3 |         tensr: 4\n"
        "      |         ^^^^^ did you mean `tensor`?\n"
        "presets/h100.yaml:6:3: note: extended here\n"
        "\n"
        "1 error, 1 warning\n"
    )


def test_text_says_nothing_when_nothing_was_found() -> None:
    assert render("text", [], {}) == ""


def test_text_without_source_keeps_the_hint() -> None:
    assert render("text", [MISSPELT], {}) == (
        "models/llama.yaml:3:9: error[S401]: `tensr` is not a field of parallelism\n"
        "      = hint: did you mean `tensor`?\n"
        "presets/h100.yaml:6:3: note: extended here\n"
        "\n"
        "1 error\n"
    )


def test_text_without_a_place() -> None:
    assert render("text", [EMPTY, EMPTY], {}) == (
        "error[P101]: no models found\n      = hint: add one with `modelmill new`\n" * 2
        + "\n2 errors\n"
    )


def test_text_keeps_notes_in_order_placed_or_not() -> None:
    notes = [Note("first set here", Span("a.yaml", 2, 1)), Note("presets are data"), Note("x")]
    assert text_of(error("R1", "cycle", Span("gone.yaml", 1, 1), notes=notes)) == (
        "gone.yaml:1:1: error[R1]: cycle\n"
        "a.yaml:2:1: note: first set here\n"
        "note: presets are data\n"
        "note: x\n"
        "\n"
        "1 error\n"
    )


@pytest.mark.parametrize("line", [0, 4, 99])
def test_text_quotes_no_line_that_is_not_there(line: int) -> None:
    report = text_of(error("S1", "no", Span("m.yaml", line, 1)), m="a\nb\nc")
    assert report == f"m.yaml:{line}:1: error[S1]: no\n\n1 error\n"


def test_text_gutter_grows_with_the_line_number() -> None:
    report = text_of(error("S1", "no", Span("m.yaml", 123456, 1)), m="\n" * 123455 + "x")
    assert report.splitlines()[1:3] == ["123456 | x", "       | ^"]


def test_text_counts_lines_as_the_parser_does() -> None:
    report = text_of(error("S1", "no", Span("m.yaml", 4, 1)), m="\ufeffa\r\nb\rc\x85d\x0c")
    assert report.splitlines()[1] == r"    4 | d\x0c"


def test_text_drops_a_byte_order_mark() -> None:
    assert frame_of("\ufeffkind: x", 1, 4) == ["kind: x", "^^^^"]


def test_text_tabs_are_single_columns() -> None:
    assert frame_of("\tx:\ty", 5, 1) == [" x: y", "    ^"]


def test_text_wide_characters_take_two_columns() -> None:
    assert frame_of("名前: 値x", 5, 2, "hint") == ["名前: 値x", "      ^^^ hint"]


def test_text_combining_marks_take_none() -> None:
    assert frame_of("cafe\u0301: x", 8, 1) == ["cafe\u0301: x", "      ^"]
    assert frame_of("e\u0301", 2, 1)[1] == " ^"


def test_text_carets_end_with_the_line() -> None:
    assert frame_of("abc", 2, 50) == ["abc", " ^^"]
    assert frame_of("abc", 9, 3) == ["abc", "   ^"]
    assert frame_of("", 1, 0) == ["", "^"]


def test_text_spells_out_control_characters_and_keeps_carets_aligned() -> None:
    found = error("S1", f"bad {ANSI}", Span("m.yaml", 1, 6, 1), f"not {ANSI}")
    assert text_of(found, m="a: \x1b\u202ex") == (
        "m.yaml:1:6: error[S1]: bad \\x1b[2J\\x1b]0;owned\\x07\n"
        "    1 | a: \\x1b\\u202ex\n"
        "      |              ^ not \\x1b[2J\\x1b]0;owned\\x07\n"
        "\n"
        "1 error\n"
    )


def test_text_messages_stay_on_one_line() -> None:
    assert text_of(error("S1", "a\nb")).splitlines() == [r"error[S1]: a\nb", "", "1 error"]


@pytest.mark.parametrize("length", [159, 160])
def test_text_shows_a_line_that_fits_whole(length: int) -> None:
    assert frame_of("x" * length, length) == ["x" * length, " " * (length - 1) + "^"]


def test_text_clips_long_lines_around_the_carets() -> None:
    line = "a" * 500 + "HERE" + "b" * 500
    shown, carets = frame_of(line, 501, 4)
    assert shown == "…" + "a" * 60 + "HERE" + "b" * 94 + "…"
    assert carets == " " * 61 + "^^^^"


def test_text_clips_one_side_only_where_the_line_goes_on() -> None:
    assert frame_of("x" * 1000, 1) == ["x" * 158 + "…", "^"]
    assert frame_of("x" * 1000, 1000) == ["…" + "x" * 158, " " * 158 + "^"]
    assert frame_of("x" * 1000, 1001) == ["…" + "x" * 158, " " * 159 + "^"]


@pytest.mark.parametrize("character", ["x", "値", "\x1b", "e\u0301", "\u0301", "\U000e0001"])
@pytest.mark.parametrize("column", [1, 80, 161, 162, 1999, 2000, 2001])
def test_text_never_exceeds_the_window(character: str, column: int) -> None:
    from modelmill.reports.text import WIDEST, _width

    shown, carets = frame_of(character * (2000 // len(character)), column, 5000)
    assert _width(shown) <= WIDEST
    assert len(carets.rstrip()) <= WIDEST
    assert "^" in carets


def test_text_in_color() -> None:
    report = render("text", [MISSPELT, LOW], {"models/llama.yaml": LLAMA}, color=True)
    assert "\x1b[1mmodels/llama.yaml:3:9\x1b[0m: \x1b[1;31merror[S401]\x1b[0m: `tensr`" in report
    assert "\x1b[34m    3 |\x1b[0m         tensr: 4\n" in report
    assert "\x1b[1;31m^^^^^\x1b[0m did you mean" in report
    assert "\x1b[1;33mwarning[C102]\x1b[0m: replicas" in report


# json


def test_json_is_the_contract() -> None:
    report = render("json", [MISSPELT, LOW, EMPTY], {})
    document = json.loads(report)
    assert report == json.dumps(document, indent=2) + "\n"
    assert list(document) == ["version", "diagnostics", "errors", "warnings"]
    assert (document["version"], document["errors"], document["warnings"]) == (1, 2, 1)
    assert document["diagnostics"][0] == {
        "code": "S401",
        "severity": "error",
        "message": "`tensr` is not a field of parallelism",
        "path": "models/llama.yaml",
        "line": 3,
        "column": 9,
        "width": 5,
        "hint": "did you mean `tensor`?",
        "notes": [
            {
                "message": "extended here",
                "path": "presets/h100.yaml",
                "line": 6,
                "column": 3,
                "width": 1,
            }
        ],
    }
    assert [document["diagnostics"][2][key] for key in ("path", "line", "column", "width")] == [
        None
    ] * 4


def test_json_of_nothing() -> None:
    assert json.loads(render("json", [], {})) == {
        "version": 1,
        "diagnostics": [],
        "errors": 0,
        "warnings": 0,
    }


# github


def test_github_places_and_titles_each() -> None:
    assert render("github", [MISSPELT, LOW, EMPTY], {}) == (
        "::error file=models/llama.yaml,line=3,endLine=3,col=9,endColumn=13,title=S401::"
        "`tensr` is not a field of parallelism%0Adid you mean `tensor`?"
        "%0Apresets/h100.yaml:6:3: note: extended here\n"
        "::warning file=models/llama.yaml,line=2,endLine=2,col=1,endColumn=4,title=C102::"
        "replicas is 0\n"
        "::error title=P101::no models found%0Aadd one with `modelmill new`\n"
    )


def test_github_escapes_properties_more_than_messages() -> None:
    found = error("S1", f"50%, a:b\r\n::error::x{ANSI}", Span("a,b:c%\n.yaml", 1, 1, 0))
    assert render("github", [found], {}) == (
        "::error file=a%2Cb%3Ac%25%0A.yaml,line=1,endLine=1,col=1,endColumn=1,title=S1::"
        "50%25, a:b%0D%0A::error::x\\x1b[2J\\x1b]0;owned\\x07\n"
    )


def test_github_of_nothing() -> None:
    assert render("github", [], {}) == ""


# sarif


def test_sarif_has_one_run_of_one_tool() -> None:
    document = json.loads(render("sarif", [MISSPELT, LOW], {}))
    assert document["version"] == "2.1.0"
    assert document["$schema"].endswith("sarif-2.1.0.json")
    (run,) = document["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["tool"]["driver"] == {
        "name": "modelmill",
        "rules": [
            {"id": "C102", "help": {"text": "See docs/diagnostics/C102.md"}},
            {"id": "S401", "help": {"text": "See docs/diagnostics/S401.md"}},
        ],
    }


def test_sarif_result() -> None:
    result = sarif_run(MISSPELT)["results"][0]
    fingerprint = result.pop("partialFingerprints")["modelmill/v1"]
    assert fingerprint.endswith(":1")
    assert len(fingerprint) == 66
    assert result == {
        "ruleId": "S401",
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": "`tensr` is not a field of parallelism\ndid you mean `tensor`?"},
        "locations": [physical("models/llama.yaml", 3, 9, 14)],
        "relatedLocations": [
            {
                "id": 1,
                "message": {"text": "extended here"},
                **physical("presets/h100.yaml", 6, 3, 4),
            }
        ],
    }


def physical(uri: str, line: int, start: int, end: int) -> dict[str, object]:
    region = {"startLine": line, "startColumn": start, "endLine": line, "endColumn": end}
    artifact = {"uri": uri, "uriBaseId": "%SRCROOT%"}
    return {"physicalLocation": {"artifactLocation": artifact, "region": region}}


def test_sarif_gives_every_result_a_place() -> None:
    assert sarif_run(EMPTY)["results"][0]["locations"] == [physical("modelmill.yaml", 1, 1, 2)]


def test_sarif_paths_are_encoded_and_links_defused() -> None:
    found = error("S1", "see [docs](http://evil)", Span("a b/ü#%:[x].yaml", 1, 1))
    result = sarif_run(found)["results"][0]
    artifact = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact["uri"] == "a%20b/%C3%BC%23%25%3A%5Bx%5D.yaml"
    assert "](" not in result["message"]["text"]


def test_sarif_fingerprints_ignore_lines_and_tell_repeats_apart() -> None:
    def fingerprints(*lines: int) -> list[str]:
        found = [error("S1", "no", Span("m.yaml", line, 1)) for line in lines]
        return [r["partialFingerprints"]["modelmill/v1"] for r in sarif_run(*found)["results"]]

    assert fingerprints(3, 9) == fingerprints(4, 20)
    assert len(set(fingerprints(1, 2, 3))) == 3


def test_sarif_keeps_errors_when_there_are_too_many() -> None:
    many = [warning("C1", "w", Span("m.yaml", n, 1)) for n in range(1, 6000)]
    results = sarif_run(*many, MISSPELT)["results"]
    assert len(results) == 5000
    assert [result["level"] for result in results].index("error") == 0


def test_sarif_of_nothing_is_a_run_without_results() -> None:
    run = sarif_run()
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])


# junit


def test_junit_fails_errors_and_passes_warnings() -> None:
    suite = ElementTree.fromstring(render("junit", [MISSPELT, LOW, EMPTY], {}).encode())
    assert suite.tag == "testsuite"
    assert (suite.get("tests"), suite.get("failures")) == ("3", "2")
    misspelt, low, empty = suite
    assert misspelt.get("classname") == "models/llama.yaml"
    assert misspelt.get("name") == "3:9: S401: `tensr` is not a field of parallelism"
    failure = misspelt.find("failure")
    assert failure is not None
    assert failure.attrib == {"type": "S401", "message": "`tensr` is not a field of parallelism"}
    assert failure.text == (
        "models/llama.yaml:3:9: error[S401]: `tensr` is not a field of parallelism\n"
        "did you mean `tensor`?\n"
        "presets/h100.yaml:6:3: note: extended here"
    )
    assert low.find("failure") is None
    assert low.findtext("system-out") == "models/llama.yaml:2:1: warning[C102]: replicas is 0"
    assert empty.get("classname") == "modelmill"


def test_junit_escapes_and_drops_what_xml_cannot_hold() -> None:
    found = error("S1", f'<a href="x">&\n]]>{ANSI}\x00\ufffe\x9b', Span("<m>.yaml", 1, 1))
    suite = ElementTree.fromstring(render("junit", [found], {}).encode())
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == '<a href="x">&\n]]>[2J]0;owned'


def test_junit_of_nothing_is_one_passing_case() -> None:
    suite = ElementTree.fromstring(render("junit", [], {}).encode())
    assert (suite.get("tests"), suite.get("failures")) == ("1", "0")
    assert [(case.get("name"), len(case)) for case in suite] == [("modelmill", 0)]
