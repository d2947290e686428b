"""Go templates out of other people's files: rendered, or refused with a place; never slow.

In: a text, and a byte before it that says whether `include` and `tpl` are there.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelmill.importers.gotemplate import HELM, Template, TemplateError, parse, references

DATA = {
    "s": "hello World",
    "n": 3,
    "f": 1.5,
    "b": True,
    "nil": None,
    "l": ["b", "a", "c", "a"],
    "m": {"b": 1, "a": "x", "c": {"d": [1, 2]}},
    "Values": {"image": {"tag": "v1"}, "list": [1, {"a": "b"}]},
}


def seeds() -> Iterator[bytes]:
    from test_gotemplate import LANGUAGE  # the tests' own table

    for text, _ in LANGUAGE.values():
        yield b"\0" + text.encode()
        yield b"\1" + text.encode()


def check(data: bytes) -> None:
    text = data[1:].decode("utf-8", "replace")
    first, second = _rendered(text, data[:1]), _rendered(text, data[:1])
    assert first == second
    assert isinstance(first, str)


def _rendered(text: str, mode: bytes) -> str:
    named: dict[str, Template] | None = None
    try:
        template = parse(text)
        references(template)
        if mode != b"\0":
            named = {"me": template, "other": parse("{{ .s }}")}
        shown = template.render(DATA, HELM, named, "zero" if mode == b"\1" else "default")
        shown.encode()
    except TemplateError as fault:
        shown = f"{fault.line}:{fault.column}: {fault.message}"
    return shown
