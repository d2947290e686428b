"""What Go templates render to, what they are refused for, and that none hangs.

Each expected text of the tables was written by text/template of Go 1.26 with Sprig v3.3.0 and
sigs.k8s.io/yaml v1.4.0. Of the faults Go lets two pass: half a character, and what is not a regular
expression, which matches nothing there.
"""

from __future__ import annotations

import copy
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelmill.importers.gotemplate import (
    HELM,
    NOT_HERMETIC,
    SPRIG,
    NotHermetic,
    TemplateError,
    function,
    parse,
    parts,
    references,
)
from modelmill.importers.gotemplate.limits import MAX_TEXT

DATA = {
    "s": "hello World",
    "n": 3,
    "f": 1.5,
    "big": 1000000.0,
    "b": True,
    "e": "",
    "z": 0,
    "nil": None,
    "l": ["b", "a", "c", "a"],
    "mix": [1, "a", None, True, 2.5],
    "m": {"b": 1, "a": "x", "c": {"d": [1, 2]}},
    "el": [],
    "em": {},
    "uni": "héllo ✓",
    "lines": "a\nb\n\nc\n",
    "deep": {"x": {"y": {"z": "deep"}}},
}

LANGUAGE = {
    "text": ("a } b }} c", "a } b }} c"),
    "trim-markers": ("a  {{- .n -}}  b", "a3b"),
    "trim-needs-a-blank": ("a {{-3}} b", "a -3 b"),
    "comments": ("a {{- /* x */ -}} b{{/* }} */}}c", "abc"),
    "strings": (r'{{ "a\tb\x41\u00e9\101\"" }}{{ `raw\n"}}` }}', 'a\tbAéA"raw\\n"}}'),
    "numbers": (
        "{{ 0x1F }} {{ 0b11 }} {{ 017 }} {{ 1_000 }} {{ 'a' }} {{ 1e3 }} {{ .5 }}",
        "31 3 15 1000 97 1000 0.5",
    ),
    "no-value": ("{{ .no }} {{ .no.such.key }} {{ .nil }}", "<no value> <no value> <no value>"),
    "printing": (
        "{{ .mix }} {{ .m }} {{ .f }} {{ .big }} {{ .b }} {{ .el }} {{ .em }}",
        "[1 a <nil> true 2.5] map[a:x b:1 c:map[d:[1 2]]] 1.5 1e+06 true [] map[]",
    ),
    "chains": ('{{ $.m.c.d }} {{ (index .m "c").d }} {{ (dict "a" .m).a.b }}', "[1 2] [1 2] 1"),
    "pipelines": ('{{ "x" | repeat 2 | upper | printf "%s-%s" "a" }}', "a-XX"),
    "else-if": ("{{ if .e }}1{{ else if .z }}2{{ else if .b }}3{{ else }}4{{ end }}", "3"),
    "truth": (
        "{{ range list .e .z .nil .el .em 0.0 false }}{{ if . }}y{{ else }}n{{ end }}{{ end }}",
        "nnnnnnn",
    ),
    "with-else-with": ("{{ with .e }}x{{ else with .n }}{{ . }}{{ $.s }}{{ end }}", "3hello World"),
    "range-list": ("{{ range $i, $v := .l }}{{ $i }}{{ $v }} {{ end }}", "0b 1a 2c 3a "),
    "range-map-by-key": ("{{ range $k, $v := .m }}{{ $k }},{{ end }}", "a,b,c,"),
    "range-integer": ("{{ range 3 }}{{ . }}{{ else }}x{{ end }}", "012"),
    "range-nothing": ("{{ range .el }}x{{ else }}none{{ end }}{{ range .nil }}x{{ end }}", "none"),
    "range-assigns": ("{{ $v := 8 }}{{ range $v = .l }}{{ end }}{{ $v }}", "a"),
    "break-and-continue": (
        (
            '{{ range .l }}{{ if eq . "a" }}{{ continue }}{{ end }}{{ if eq . "c" }}{{ break }}'
            "{{ end }}{{ . }}{{ end }}"
        ),
        "b",
    ),
    "variables-have-blocks": (
        "{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $x := 3 }}{{ $x }}{{ end }}{{ $x }}",
        "32",
    ),
    "templates-see-their-dot": (
        '{{ define "t" }}[{{ . }}{{ $ }}]{{ end }}{{ template "t" .n }}{{ template "t" }}',
        "[33][<no value><no value>]",
    ),
    "block": ('{{ block "b" .s }}<{{ . }}>{{ end }}', "<hello World>"),
    "and-or-stop-early": ('{{ and .e (fail "x") }}|{{ or .s (fail "x") }}', "|hello World"),
    "and-or-give-a-value": ('{{ and 1 2 }}{{ or 0 "" }}{{ 3 | and 1 }}', "23"),
    "comparison": (
        (
            '{{ eq "a" "b" "a" }} {{ ne 1 2 }} {{ lt 1 2 }} {{ ge "b" "a" }} {{ eq .nil nil }} '
            '{{ eq .no "x" }}'
        ),
        "true true true true true false",
    ),
    "len-counts-bytes": ("{{ len .uni }} {{ len .l }}", "10 4"),
    "index": ('{{ index .l 1 }} {{ index .m "c" "d" 1 }} {{ index .m "no" }}', "a 2 <no value>"),
    "print": ('{{ print 1 2 "a" "b" 3 nil }}|{{ println 1 "a" }}', "1 2ab3 <nil>|1 a\n"),
    "printf": (
        r'{{ printf "%s|%5d|%-5d|%05d|%x|%q|%t|%6.2f|%v|%%" "a" 1 2 3 255 "q\"" true 1.5 .l }}',
        r'a|    1|2    |00003|ff|"q\""|true|  1.50|[b a c a]|%',
    ),
    "printf-wrong-verb": ('{{ printf "%d %s" "a" 1 }}', "%!d(string=a) %!s(int=1)"),
    "printf-wrong-count": ('{{ printf "%d" }}{{ printf "x" 1 }}', "%!d(MISSING)x%!(EXTRA int=1)"),
}

STRINGS = {
    "trim": ('{{ trim " a " }}{{ trimAll "$" "$5$" }}{{ trimSuffix "-" "a-" }}', "a5a"),
    "case": ('{{ upper .uni }} {{ title "a b-c" }} {{ untitle "A B" }}', "HÉLLO ✓ A B-C a b"),
    "words": (
        (
            '{{ snakecase "HTTP20xOK" }} {{ kebabcase "FirstName" }} {{ camelcase "http_server" }} '
            '{{ swapcase "aBc Def" }}'
        ),
        "http_20x_ok first-name HttpServer AbC dEF",
    ),
    "cut": (
        (
            "{{ trunc 3 .s }}|{{ trunc -3 .s }}|{{ substr 1 3 .s }}|{{ abbrev 5 .s }}|"
            '{{ nospace "a b" }}'
        ),
        "hel|rld|el|he...|ab",
    ),
    "search": (
        '{{ contains "ell" .s }}{{ hasPrefix "he" .s }}{{ hasSuffix "x" .s }}',
        "truetruefalse",
    ),
    "quote-skips-nil": (
        r'{{ quote "a\"b" 1 nil }} {{ squote "a" nil }} {{ cat 1 nil "b" }}',
        '"a\\"b" "1" \'a\' 1 b',
    ),
    "indent": ('{{ indent 2 .lines }}|{{ nindent 1 "a" }}', "  a\n  b\n  \n  c\n  |\n a"),
    "replace": ('{{ replace "o" "0" .s }} {{ plural "one" "many" 2 }}', "hell0 W0rld many"),
    "split-and-join": (
        (
            '{{ splitList "," "a,b" }} {{ (split "," "a,b")._1 }} {{ join "-" .mix }} '
            "{{ sortAlpha .l }}"
        ),
        "[a b] b 1-a-true-2.5 [a a b c]",
    ),
    "regex": (
        (
            r'{{ regexMatch "^[a-z]+$" "abc" }} {{ regexFind "[0-9]+" "ab12" }} '
            r'{{ regexFindAll "[0-9]" "1a2b3" 2 }} '
            r'{{ regexReplaceAll "a(x*)b" "-ab-axxb-" "${1}W" }} '
            r'{{ regexReplaceAllLiteral "x" "axb" "$1" }} {{ regexSplit "z+" "pizza" -1 }}'
        ),
        "true 12 [1 2] -W-xxW- a$1b [pi a]",
    ),
    "regex-prefers-as-perl": (
        '{{ regexFind "a|ab" "ab" }}{{ regexReplaceAll "a*" "baac" "X" }}',
        "aXbXcX",
    ),
    "regex-groups": (
        (
            r'{{ regexReplaceAll "(?P<n>a)(b)?" "ab-a" "<${n}$2$1x$01$$>" }} '
            r'{{ regexFindAll "\\pL+" "é1ß" -1 }} {{ regexReplaceAll "" "éa" "-" }}'
        ),
        "<ab$>-<a$> [é ß] -é-a-",
    ),
}

VALUES = {
    "default": (
        '{{ .e | default "d" }}{{ default "d" .s }}{{ coalesce .e .z .n }}',
        "dhello World3",
    ),
    "ternary": (
        '{{ ternary "a" "b" .b }}{{ all 1 "" }}{{ any 0 "x" }}{{ empty .el }}',
        "afalsetruetrue",
    ),
    "integers": (
        (
            '{{ int "42" }} {{ int "4.9" }} {{ int -4.9 }} {{ int64 "0x1f" }} '
            '{{ float64 "1e3" }} {{ atoi "x" }}'
        ),
        "42 0 -4 31 1000 0",
    ),
    "arithmetic": (
        (
            "{{ add 1 2 3 }} {{ sub 5 3 }} {{ mul 2 3 }} {{ div -7 2 }} {{ mod -7 3 }} "
            "{{ max 1 5 }} {{ min 4 2 }}"
        ),
        "6 2 6 -3 -1 5 2",
    ),
    "arithmetic-wraps-round": ("{{ add 9223372036854775807 1 }}", "-9223372036854775808"),
    "rounding": (
        "{{ ceil 1.2 }} {{ floor -1.2 }} {{ round 123.5555 3 }} {{ addf 0.1 0.2 }}",
        "2 -2 123.556 0.3",
    ),
    "sequences": (
        "{{ until 3 }} {{ untilStep 6 3 -1 }} {{ seq 0 2 6 }} {{ seq 2 -1 }}",
        "[0 1 2] [6 5 4] 0 2 4 6 2 1 0 -1",
    ),
    "lists": (
        (
            '{{ first .l }} {{ rest .l }} {{ append .l "z" }} {{ concat .l (list 1) }} '
            "{{ uniq .l }} "
            '{{ without .l "a" }} {{ has "a" .l }} {{ compact .mix }} {{ slice .l 1 3 }} '
            "{{ chunk 3 .l }}"
        ),
        "b [a c a] [b a c a z] [b a c a 1] [b a c] [b c] true [1 a true 2.5] [a c] [[b a c] [a]]",
    ),
    "an-int64-is-no-int": (
        "{{ has (add 1 2) (list 3) }} {{ deepEqual 1 1 }} {{ eq 3 (add 1 2) }}",
        "false true true",
    ),
    "dicts": (
        (
            '{{ get .m "a" }} {{ hasKey .m "q" }} {{ dig "x" "y" "z" "d" .deep }} '
            '{{ dig "q" "d" .deep }} '
            '{{ pick .m "a" }} {{ omit .m "a" "c" }} {{ pluck "a" .m }} {{ dict "k" 1 "odd" }}'
        ),
        "x false deep d map[a:x] map[b:1] [x] map[k:1 odd:]",
    ),
    "set-changes-the-map": (
        '{{ $d := dict "a" 1 }}{{ $_ := set $d "b" 2 }}{{ $d }}',
        "map[a:1 b:2]",
    ),
    "merge-keeps-what-is-there": (
        (
            '{{ merge (dict "a" 1 "e" "" "c" (dict "x" 1)) (dict "a" 2 "e" 5 "n" nil "c" '
            '(dict "x" 2 "y" 3)) }}'
        ),
        "map[a:1 c:map[x:1 y:3] e:5]",
    ),
    "merge-overwrite": (
        '{{ mergeOverwrite (dict "a" 1 "l" (list 1)) (dict "a" "" "l" (list)) }}',
        "map[a: l:[]]",
    ),
    "types": (
        (
            '{{ kindOf .l }} {{ typeOf .m }} {{ typeOf (add 1) }} {{ kindIs "string" .s }} '
            "{{ typeOf nil }}"
        ),
        "slice map[string]interface {} int64 true <nil>",
    ),
    "encoding": (
        '{{ b64enc "é" }} {{ b64dec "w6k=" }} {{ sha256sum "a" | trunc 8 }} {{ adler32sum "abc" }}',
        "w6k= é ca978112 38600999",
    ),
    "json": (
        (
            '{{ toJson .mix }} {{ toJson "<&>" }} {{ toRawJson "<" }} {{ toJson .big }} '
            "{{ toPrettyJson .m.c }}"
        ),
        (
            '[1,"a",null,true,2.5] "\\u003c\\u0026\\u003e" "<" 1000000 '
            '{\n  "d": [\n    1,\n    2\n  ]\n}'
        ),
    ),
    "from-json": (r'{{ (fromJson "{\"a\": [1, 1e6]}").a }}', "[1 1e+06]"),
    "yaml": (
        (
            '{{ toYaml (dict "a10" 1 "a2" "yes" "l" (list (dict "k" .nil) .el) "s" .lines '
            '"q" "a: b" "f" .big) }}'
        ),
        "a2: \"yes\"\na10: 1\nf: 1000000\nl:\n- k: null\n- []\nq: 'a: b'\ns: |\n  a\n  b\n\n  c",
    ),
    "from-yaml": (
        r'{{ fromYaml "a: [yes, ~, 0x10, 1.5, \"1\", 2020-01-01]\nb: &x {c: d}\ne: {<<: *x}" }}',
        "map[a:[true <nil> 16 1.5 1 2020-01-01] b:map[c:d] e:map[c:d]]",
    ),
    "versions": (
        (
            '{{ semverCompare ">=1.2 <2" "1.4.0" }} {{ semverCompare "^0.2.1" "0.3.0" }} '
            '{{ semverCompare "~1.2" "1.2.9" }} {{ (semver "v1.2.3-rc.1").Prerelease }}'
        ),
        "true false true rc.1",
    ),
    "paths": (
        '{{ base "/a/b.txt" }} {{ dir "/a/b" }} {{ ext "x.gz" }} {{ clean "/a/../b" }}',
        "b.txt /a .gz /b",
    ),
    "tpl-and-include": (
        (
            '{{ define "q" }}<{{ . }}>{{ end }}{{ include "q" 1 | indent 1 }}{{ tpl "{{ .n '
            '}}{{ .no }}" . }}'
        ),
        " <1>3",
    ),
}

TABLE = {**LANGUAGE, **STRINGS, **VALUES}


@pytest.mark.parametrize(("text", "expected"), TABLE.values(), ids=TABLE.keys())
def test_renders_as_go_does(text: str, expected: str) -> None:
    assert parse(text).render(DATA, HELM, {}) == expected


def fault(text: str, data: object = DATA, **options: object) -> TemplateError:
    with pytest.raises(TemplateError) as raised:
        parse(text).render(data, **options)  # type: ignore[arg-type]
    return raised.value


FAULTS = {
    "unclosed-action": ("a\n {{ .s", "syntax", (2, 2)),
    "bad-name": ("{{ .a-b }}", "syntax", (1, 6)),
    "no-end": ("x{{ if .b }}y", "syntax", (1, 5)),
    "loop-over-its-own-variable": ("{{ range $i, $i }}{{ end }}", "syntax", (1, 14)),
    "stray-end": ("x{{ end }}", "syntax", (1, 5)),
    "two-elses": ("{{ if 1 }}{{ else }}{{ else }}{{ end }}", "syntax", (1, 24)),
    "break-outside": ("{{ break }}", "syntax", (1, 4)),
    "literal-after-pipe": ('{{ .s | "x" }}', "syntax", (1, 9)),
    "undefined-variable": ("{{ $x }}", "syntax", (1, 4)),
    "variable-of-another-block": ("{{ if $x := 1 }}{{ end }}{{ $x }}", "syntax", (1, 29)),
    "bad-escape": (r'{{ "\q" }}', "syntax", (1, 4)),
    "bad-number": ("{{ 08 }}", "syntax", (1, 4)),
    "no-blank-between": ("{{ print(1) }}", "syntax", (1, 9)),
    "empty": ("{{ }}", "syntax", (1, 4)),
    "twice-defined": (
        '{{ define "x" }}a{{ end }}\n{{ define "x" }}b{{ end }}',
        "syntax",
        (2, 4),
    ),
    "unknown-function": ("a {{ .s | nofunc }}", "unknown function", (1, 11)),
    "unknown-in-a-branch-not-taken": (
        "{{ if false }}{{ nofunc }}{{ end }}",
        "unknown function",
        (1, 18),
    ),
    "helm-is-not-sprig": ("{{ toYaml .m }}", "unknown function", (1, 4)),
    "include-needs-a-table": ('{{ include "x" . }}', "unknown function", (1, 4)),
    "field-of-text": ("{{ .s.x }}", "type error", (1, 4)),
    "wrong-argument": ("{{ upper .n }}", "type error", (1, 10)),
    "int64-for-int": ("{{ trunc (add 1 2) .s }}", "type error", (1, 11)),
    "wrong-constant": ('{{ trunc "a" .s }}', "type error", (1, 10)),
    "argument-count": ("{{ upper }}", "type error", (1, 4)),
    "not-comparable": ('{{ eq 1 "1" }}', "type error", (1, 4)),
    "index-outside": ("{{ index .l 9 }}", "type error", (1, 4)),
    "range-over-text": ("{{ range .s }}{{ end }}", "type error", (1, 4)),
    "division-by-zero": ("{{ div 1 0 }}", "type error", (1, 4)),
    "call": ("{{ call .s }}", "type error", (1, 4)),
    "half-a-character": ('{{ trunc 1 "é" }}', "type error", (1, 1)),
    "bad-regex": ('{{ regexMatch "(?=a)" "a" }}', "type error", (1, 4)),
    "field-of-nil": ("{{ .nil.x }}", "missing", (1, 4)),
    "no-template": ('{{ template "no" }}', "missing", (1, 4)),
    "fail": ('{{ if .b }}{{ fail "not so" }}{{ end }}', "fail", (1, 15)),
}


@pytest.mark.parametrize(("text", "kind", "place"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_has_its_place(text: str, kind: str, place: tuple[int, int]) -> None:
    found = fault(text)
    assert (found.kind, (found.line, found.column)) == (kind, place)
    assert found.offset == len("".join(text.splitlines(True)[: place[0] - 1])) + place[1] - 1


def test_fail_says_what_the_template_says() -> None:
    assert fault('{{ fail "set the model" }}').message == "set the model"
    assert fault('{{ required "set it" .e }}', functions=HELM).message == "set it"


def test_a_fault_in_a_named_template_names_it() -> None:
    found = fault('{{ include "a" . }}', functions=HELM, templates={"a": parse("x\n{{ .s.x }}")})
    assert (found.name, found.line, found.column) == ("a", 2, 4)
    assert str(found).startswith("a:2:4: ")


@pytest.mark.parametrize("name", sorted(NOT_HERMETIC))
def test_what_is_not_hermetic_is_refused_by_name(name: str) -> None:
    with pytest.raises(NotHermetic) as raised:
        parse(f"{{{{ if false }}}}{{{{ {name} }}}}{{{{ end }}}}").render({}, HELM, {})
    assert raised.value.function == name
    assert raised.value.kind == "not hermetic"


def test_no_function_is_both_known_and_refused() -> None:
    assert not NOT_HERMETIC & {*SPRIG, *HELM}


def test_a_missing_key_is_what_the_caller_says() -> None:
    assert parse("{{ .no }}").render({}) == "<no value>"
    assert parse("{{ .no }}").render({}, missing="zero") == "<no value>"
    assert fault("{{ .no.x }}", missing="zero").kind == "missing"
    assert fault("{{ .no }}", missing="error").message == "there is no key `no`"


def test_a_caller_adds_functions_and_templates() -> None:
    ports = {"getPort": function("string", {"http": 8000}.__getitem__)}
    assert parse('{{ "http" | getPort | add 1 }}').render({}, ports) == "8001"
    named = {"helper": parse('{{ define "inner" }}i{{ end }}h{{ template "inner" }}')}
    assert parse('{{ include "helper" . }}{{ template "inner" }}').render({}, {}, named) == "hii"


def test_the_data_is_not_changed() -> None:
    data = copy.deepcopy(DATA)
    text = (
        '{{ $_ := set .m "new" 1 }}{{ $_ := merge .em .m }}{{ $_ := unset .deep "x" }}{{ .em.new }}'
    )
    assert parse(text).render(data) == "1"
    assert data == DATA


REFERENCES = {
    "{{ .Values.a.b }}{{ $.Values.c }}": [("Values", "a", "b"), ("Values", "c")],
    "{{ with .Values.m }}{{ .x }}{{ $.Release.Name }}{{ end }}": [
        ("Values", "m"),
        ("Values", "m", "x"),
        ("Release", "Name"),
    ],
    "{{ range .Values.l }}{{ .name }}{{ end }}": [("Values", "l")],
    "{{ $v := .q }}{{ $v.z | default .d | quote }}": [("q",), ("q", "z"), ("d",)],
    "{{ $v := .a }}{{ if .c }}{{ $v = .b }}{{ end }}{{ $v.x }}": [("a",), ("c",), ("b",)],
    '{{ index .Values "a" "b" }}': [("Values", "a", "b")],
    '{{ with (dict "a" .z) }}{{ .a }}{{ end }}': [("z",)],
    '{{ define "t" }}{{ .x }}{{ end }}{{ template "t" .v }}': [("v",), ("v", "x")],
    "{{ toString . }}": [()],
    "none": [],
}


@pytest.mark.parametrize(("text", "expected"), REFERENCES.items(), ids=REFERENCES.keys())
def test_references_are_the_chains_from_the_data(
    text: str, expected: list[tuple[str, ...]]
) -> None:
    assert references(parse(text)) == expected


def test_parts_are_text_and_plain_chains_or_nothing() -> None:
    assert parts(parse("--model={{ .Values.m }}/{{- $.x }}")) == (
        "--model=",
        ("Values", "m"),
        "/",
        ("x",),
    )
    assert parts(parse("{{/* c */}}plain")) == ("plain",)
    assert parts(parse("{{ .x | quote }}")) is None
    assert parts(parse("{{ if .x }}{{ end }}")) is None
    assert parts(parse("{{ . }}")) is None


HOSTILE = {
    "calls-itself": '{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}',
    "doubles-calls": "".join(
        f'{{{{ define "t{i}" }}}}{f"""{{{{ template "t{i + 1}" }}}}""" * 2}{{{{ end }}}}'
        for i in range(40)
    )
    + '{{ define "t40" }}x{{ end }}{{ template "t0" }}',
    "includes-itself": '{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}',
    "tpl-of-itself": '{{ $t := "{{ tpl .t . }}" }}{{ tpl $t (dict "t" $t) }}',
    "tpl-of-long-text": '{{ $t := repeat 99999 "{{ 1 }}" }}{{ range 9 }}{{ tpl $t 1 }}{{ end }}',
    "nested-loops": "{{ range until 9999 }}{{ range until 9999 }}x{{ end }}{{ end }}",
    "long-range": "{{ range 99999999999 }}{{ end }}",
    "until": "{{ until 1000000000 }}",
    "seq": "{{ seq 1000000000 }}",
    "repeat": '{{ repeat 1000000000 "abc" }}',
    "indent": '{{ indent 1000000000 "a" }}',
    "doubled-text": '{{ $x := "a" }}{{ range until 99 }}{{ $x = print $x $x }}{{ end }}',
    "doubled-list": "{{ $l := list 1 }}{{ range until 60 }}{{ $l = list $l $l }}{{ end }}{{ $l }}",
    "deep-list": (
        "{{ $l := list 1 }}{{ range until 999 }}{{ $l = list $l }}{{ end }}{{ toJson $l }}"
    ),
    "circle": '{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ toYaml $d }}',
    "shared-text-joined": '{{ $x := repeat 4000000 "a" }}{{ join "" (list $x $x $x $x) }}',
    "replace": '{{ replace "a" (repeat 99999 "b") (repeat 99999 "a") }}',
    "wide-printf": '{{ printf "%1000000000d" 1 }}',
    "many-wide-printf": '{{ printf "' + "%999999d" * 9 + '" 1 2 3 4 5 6 7 8 9 }}',
    "large-regex": r'{{ regexMatch "\\pL{999}" "a" }}',
    "long-regex": '{{ regexMatch (repeat 9999 "a") "a" }}',
    "many-searches": '{{ regexFindAll "a*b|a" (repeat 99999 "a") -1 }}',
    "long-replacement": '{{ regexReplaceAll "a" (repeat 9999 "a") (repeat 9999 "$x") }}',
    "ways-to-match": '{{ regexMatch "[ab]*a[ab]{900}c" (repeat 999999 "ab") }}',
    "yaml-aliases": '{{ fromYaml "a: &a [x,x,x,x,x,x,x,x,x]'
    + "".join(
        rf"\n{b}: &{b} [{','.join([f'*{a}'] * 9)}]"
        for a, b in zip("abcdefg", "bcdefgh", strict=True)
    )
    + '" }}',
    "deep-yaml": '{{ fromYaml (printf "a: %s" (repeat 99999 "[")) }}',
    "parentheses": "{{ " + "(" * 500 + "1" + ")" * 500 + " }}",
    "blocks": "{{ if 1 }}" * 500 + "{{ end }}" * 500,
    "variables": "{{ $a := 1 }}" * 5000,
    "long-text": "x" * (MAX_TEXT + 1),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_template_meets_a_limit(text: str) -> None:
    assert fault(text, functions=HELM, templates={}).kind == "limit"


def test_without_re2_a_regex_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "re2", None)
    found = fault('{{ regexMatch "a" "a" }}')
    assert found.kind == "missing"
    assert "install `modelmill[regex]`" in found.message
    assert parse('{{ regexQuoteMeta "a.b" }}').render({}) == r"a\.b"


def test_no_pattern_is_slow() -> None:
    """`re` would not come back from these."""
    text = '{{ regexMatch "(a+)+$" (printf "%sb" (repeat 5000 "a")) }}'
    assert parse(text).render({}) == "false"
    assert parse('{{ regexMatch "(x+x+)+y" (repeat 2000 "x") }}').render({}) == "false"


def test_long_chains_of_else_if_are_not_deep() -> None:
    assert parse("{{ if 0 }}" + "{{ else if 0 }}" * 2000 + "{{ else }}x{{ end }}").render({}) == "x"


def test_a_function_knows_the_counts_and_types_it_takes() -> None:
    """No call, whatever it is given, ends in anything but text or a TemplateError."""
    given = ['"a"', '"1.5"', "1", "-1", "1.5", "true", "nil", ".l", ".m", ".no", "(list)", '"("']
    for name, known in {**SPRIG, **HELM}.items():
        for value in given:
            for count in range(len(known.parameters) + 2):
                try:
                    parse(f"{{{{ {name} {' '.join([value] * count)} }}}}").render(DATA, HELM, {})
                except TemplateError:
                    continue


@given(st.text())
def test_text_without_braces_renders_to_itself(text: str) -> None:
    text = text.replace("{{", "")
    assert parse(text).render({}) == text


PIECES = st.sampled_from(
    [
        *(
            "{{",
            "}}",
            "{{-",
            "-}}",
            "(",
            ")",
            ".",
            ".a",
            "$",
            "$x",
            ":=",
            "=",
            "|",
            ",",
            "/*",
            "*/",
        ),
        *("if", "else", "end", "range", "with", "define", "template", "block", "break", "nil"),
        *('"t"', "1", "1.5", "true", "`", "'", '"', "quote", "eq", "index", "printf", '"%d"'),
    ]
)


@settings(max_examples=400)
@given(st.lists(PIECES | st.text(max_size=3), max_size=12))
def test_whatever_is_parsed_a_fault_is_a_template_error(pieces: list[str]) -> None:
    text = "{{ " + " ".join(pieces) + " }}"
    try:
        template = parse(text)
        template.render({"a": [1, "x"]})
    except TemplateError:
        return
    references(template)


VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(min_size=1), VALUE, max_size=4))
def test_yaml_and_json_are_read_back_as_they_were(value: dict[str, object]) -> None:
    # `toYaml` leaves the last line end out.
    by_yaml = r'{{ toJson (fromYaml (print (toYaml .) "\n")) }}'
    text = f"{{{{ toJson . }}}}\n{by_yaml}\n{{{{ toJson (fromJson (toJson .)) }}}}"
    first, second, third = parse(text).render(value, HELM).split("\n")
    assert first == second == third
