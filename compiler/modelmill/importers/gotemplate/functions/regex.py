"""Sprig's regular expressions: https://masterminds.github.io/sprig/strings.html#regexmatch-mustregexmatch.

In: a pattern of RE2 (https://github.com/google/re2/wiki/Syntax) and a text. Out: what matches. Each
`must…` form does as the plain one; a pattern that is none is an error. RE2 itself is at work: `re`
can take for ever. Unlike in Go, `\\C` is a byte, and `\\B` holds inside what is not ASCII.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from modelmill.importers.gotemplate.faults import Fault, Kind
from modelmill.importers.gotemplate.limits import check_items, check_size
from modelmill.importers.gotemplate.signatures import Function, function, spending
from modelmill.importers.gotemplate.values import NoStrings, Strings
from modelmill.regexes import regex

MAX_PATTERN = 1_000
"""Characters of a pattern."""
_MAX_MEMORY = 4 << 20
"""Bytes for what RE2 makes of a pattern; it keeps the last 128."""

_Spend: TypeAlias = Callable[[int], None]
_variable = regex(r"\$(?:(\$)|(\w+)|\{(\w+)\})")
_number = regex(r"0|[1-9][0-9]{0,7}")
_special = regex(r"[\\.+*?()|\[\]{}^$]")


def _compiled(spend: _Spend, pattern: str) -> Any:
    try:
        import re2
    except ImportError:
        message = "regular expressions need a further package: install `modelmill[regex]`"
        raise Fault(message, "missing") from None
    if len(pattern) > MAX_PATTERN:
        raise Fault(f"a regular expression has at most {MAX_PATTERN} characters", "limit")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_MEMORY
    try:
        program = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace")
        kind: Kind = "limit" if "too large" in reason else "type error"
        message = f"the regular expression `{pattern[:60]}` is not one: {reason}"
        raise Fault(message, kind) from None
    except UnicodeEncodeError:
        raise Fault("the regular expression is not UTF-8 text") from None
    spend(8 * (program.programsize + len(pattern)))
    return program


def _matches(spend: _Spend, program: Any, text: str) -> Iterator[Any]:
    """All that do not overlap; an empty one right after another does not count."""
    last = -1
    spend(_work(program, text, 0))
    try:
        for found in program.finditer(text):
            start, end = found.span()
            if end > start or start != last:
                yield found
            last = end
            spend(_work(program, text, end))
    except UnicodeEncodeError:
        raise Fault("the text is not UTF-8") from None


def _work(program: Any, text: str, position: int) -> int:
    """The most that a search from there takes: it goes through the text once, with all the ways to
    match that the pattern has."""
    return 16 + int(program.programsize) * (len(text) - position) // 16


def _match(spend: _Spend, pattern: str, text: str) -> bool:
    return next(_matches(spend, _compiled(spend, pattern), text), None) is not None


def _find(spend: _Spend, pattern: str, text: str) -> str:
    found = next(_matches(spend, _compiled(spend, pattern), text), None)
    return "" if found is None else found[0]


def _find_all(spend: _Spend, pattern: str, text: str, count: int) -> Strings:
    """At most `count`, all with a negative one."""
    result = Strings()
    for found in _matches(spend, _compiled(spend, pattern), text):
        if len(result) == count:
            break
        result.append(found[0])
        check_items(len(result))
    return result or NoStrings()


def _replace(spend: _Spend, pattern: str, text: str, replacement: str) -> str:
    """With `$1` and `${name}` for groups; `$$` is a dollar."""
    program = _compiled(spend, pattern)
    names = program.groupindex

    def expanded(found: Any) -> str:
        spend(8 * len(replacement))
        return _variable.sub(lambda variable: _group(variable, found, names), replacement)

    return _replaced(spend, program, text, expanded)


def _group(variable: re.Match[str], found: Any, names: Mapping[str, int]) -> str:
    if variable[1]:
        return "$"
    name = variable[2] or variable[3]
    number = int(name) if _number.fullmatch(name) else names.get(name, -1)
    return (found[number] or "") if 0 <= number <= found.re.groups else ""


def _replace_literally(spend: _Spend, pattern: str, text: str, replacement: str) -> str:
    return _replaced(spend, _compiled(spend, pattern), text, lambda _: replacement)


def _replaced(spend: _Spend, program: Any, text: str, replacement: Callable[[Any], str]) -> str:
    pieces: list[str] = []
    end = size = 0
    for found in _matches(spend, program, text):
        new = replacement(found)
        size += len(new)
        check_size(size)
        spend(len(new))
        pieces += text[end : found.start()], new
        end = found.end()
    return "".join([*pieces, text[end:]])


def _split(spend: _Spend, pattern: str, text: str, count: int) -> Strings:
    """At most `count` pieces, all with a negative one; none with 0."""
    if count == 0:
        return NoStrings()
    if pattern and not text:
        return Strings([""])
    pieces = Strings()
    start = end = 0
    for found in _matches(spend, _compiled(spend, pattern), text):
        if 0 < count == len(pieces) + 1:
            break
        end = found.start()
        if found.end():
            pieces.append(text[start:end])
            check_items(len(pieces))
        start = found.end()
    if end != len(text):
        pieces.append(text[start:])
    return pieces


_PLAIN: Mapping[str, Function] = {
    "regexFind": spending("string string", _find),
    "regexFindAll": spending("string string int", _find_all),
    "regexMatch": spending("string string", _match),
    "regexReplaceAll": spending("string string string", _replace),
    "regexReplaceAllLiteral": spending("string string string", _replace_literally),
    "regexSplit": spending("string string int", _split),
}

FUNCTIONS: Mapping[str, Function] = {
    **_PLAIN,
    **{f"mustR{name[1:]}": known for name, known in _PLAIN.items()},
    "regexQuoteMeta": function("string", lambda text: _special.sub(r"\\\g<0>", text)),
}
