"""printf: https://pkg.go.dev/fmt#hdr-Printing.

In: a format and values. Out: text; a verb that does not suit its value is written as Go does
(`%!d(string=hi)`), not refused. Never: argument indexes (`%[1]d`), pointers, complex numbers.
"""

from __future__ import annotations

import math
import re
from typing import Any

from modelmill.importers.gotemplate.faults import Fault
from modelmill.importers.gotemplate.limits import check_size
from modelmill.importers.gotemplate.printing import printed, quoted, quoted_rune, real
from modelmill.importers.gotemplate.values import ABSENT, Structure, encoded, type_of
from modelmill.regexes import regex
from modelmill.tuples import NamedTuple

_DIRECTIVE = regex(r"%([-+# 0]*+)(\*|[0-9]+)?(?:(\.)(\*|[0-9]+)?)?(.?)", re.DOTALL)
_WIDEST = 1_000_000
_BASES = {"b": "b", "o": "o", "O": "o", "x": "x", "X": "X", "d": "d"}


class _Verb(NamedTuple):
    flags: str
    width: int
    precision: int | None
    letter: str


def formatted(pattern: str, *values: Any) -> str:
    """The pattern with its verbs replaced."""
    pieces: list[str] = []
    rest = list(values)
    end = size = 0
    for matched in _DIRECTIVE.finditer(pattern):
        piece = _directive(matched, rest)
        size += len(piece)
        check_size(size)
        pieces += pattern[end : matched.start()], piece
        end = matched.end()
    pieces.append(pattern[end:])
    if rest:
        extra = (f"{type_of(v)}={printed(v)}" if v is not None else "<nil>" for v in rest)
        pieces.append(f"%!(EXTRA {', '.join(extra)})")
    return "".join(pieces)


def _directive(matched: re.Match[str], rest: list[Any]) -> str:
    flags, width, point, precision, letter = matched.groups()
    if letter == "[":
        raise Fault("printf: indexes of arguments are not supported")
    wide = _count(width, rest)
    exact = (_count(precision, rest) if precision else 0) if point else None
    if not letter:
        return "%!(NOVERB)"
    if letter == "%":
        return "%"
    if not rest:
        return f"%!{letter}(MISSING)"
    if wide is not None and wide < 0:
        flags, wide = flags + "-", -wide
    if exact is not None and exact < 0:
        exact = None
    return _shaped(rest.pop(0), _Verb(flags, wide or 0, exact, letter))


def _count(written: str | None, rest: list[Any]) -> int | None:
    if written is None:
        return None
    if written == "*":
        if not rest or type(rest[0]) is not int:
            raise Fault("printf: `*` takes an int")
        number = rest.pop(0)
    else:
        number = int(written[:9])
    if abs(number) > _WIDEST:
        raise Fault(f"printf: a width is at most {_WIDEST}", "limit")
    return int(number)


def _shaped(value: Any, verb: _Verb) -> str:
    """A value; of a list or a map, each item by the same verb."""
    letter = verb.letter
    if letter == "T":
        return _padded(type_of(value), verb)
    if value is None or value is ABSENT:
        return _padded("<nil>", verb) if letter == "v" else f"%!{letter}(<nil>)"
    if isinstance(value, Structure):
        return _text(value.text, verb) or _wrong(value, verb)
    if isinstance(value, list):
        return f"[{' '.join(_shaped(each, verb) for each in value)}]"
    if isinstance(value, dict):
        entries = (f"{_shaped(k, verb)}:{_shaped(value[k], verb)}" for k in sorted(value))
        return f"map[{' '.join(entries)}]"
    if isinstance(value, bool):
        text = printed(value) if letter in "tv" else None
        return _wrong(value, verb) if text is None else _padded(text, verb)
    if isinstance(value, int):
        return _integer(value, verb) or _wrong(value, verb)
    if isinstance(value, float):
        return _float(value, verb) or _wrong(value, verb)
    return _wrong(value, verb) if (text := _text(value, verb)) is None else text


def _wrong(value: Any, verb: _Verb) -> str:
    return f"%!{verb.letter}({type_of(value)}={_shaped(value, verb._replace(letter='v'))})"


def _text(value: str, verb: _Verb) -> str | None:
    letter, flags = verb.letter, verb.flags
    cut = value if verb.precision is None else value[: verb.precision]
    if letter == "v" and "#" in flags:
        return _padded(quoted(cut), verb)
    if letter in "sv":
        return _padded(cut, verb)
    if letter == "q":
        if "#" in flags and "`" not in cut and cut.isprintable():
            return _padded(f"`{cut}`", verb)
        return _padded(quoted(cut), verb)
    if letter in "xX":
        data = encoded(value)[: verb.precision]
        separator = " " if " " in flags else ""
        text = data.hex(separator) if separator else data.hex()
        if "#" in flags and text:
            text = "0x" + text.replace(" ", " 0x")
        return _padded(text.upper() if letter == "X" else text, verb)
    return None


def _integer(value: int, verb: _Verb) -> str | None:
    letter, flags = verb.letter, verb.flags
    if letter == "c":
        return _padded(chr(value) if _is_rune(value) else "\ufffd", verb)
    if letter == "q":
        return _padded(quoted_rune(value), verb)
    if letter == "U":
        return _padded(f"U+{value:04X}", verb)
    base = _BASES.get("d" if letter == "v" else letter)
    if base is None:
        return None
    digits = format(abs(value), base)
    if verb.precision is not None:
        digits = "" if verb.precision == value == 0 else digits.rjust(verb.precision, "0")
    sign = "-" if value < 0 else "+" if "+" in flags else " " if " " in flags else ""
    prefix = {"x": "0x", "X": "0X", "o": "0", "b": "0b"}.get(letter, "") if "#" in flags else ""
    if letter == "O":
        prefix = "0o"
    if "0" in flags and "-" not in flags and verb.precision is None:
        # The zeros go up to the width with the sign in it, and without the prefix.
        digits = digits.rjust(verb.width - len(sign), "0")
    return _padded(sign + prefix + digits, verb._replace(flags=flags.replace("0", "")))


def _is_rune(code: int) -> bool:
    return 0 <= code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF


def _float(value: float, verb: _Verb) -> str | None:
    letter, flags = verb.letter, verb.flags
    if letter not in "vgGeEfF":
        return None
    if not math.isfinite(value):
        text = real(value).lstrip("+")
        flags = flags.replace("0", "")
    elif letter in "vgG" and verb.precision is None:
        text = real(value)
    else:
        kind = {"v": "g", "F": "f"}.get(letter, letter)
        text = format(value, f".{6 if verb.precision is None else verb.precision}{kind}")
    if letter in "GE":
        text = text.upper() if math.isfinite(value) else text
    sign, magnitude = ("-", text[1:]) if text.startswith("-") else ("", text)
    sign = sign or ("+" if "+" in flags else " " if " " in flags else "")
    if "0" in flags and "-" not in flags:
        magnitude = magnitude.rjust(verb.width - len(sign), "0")
    return _padded(sign + magnitude, verb._replace(flags=flags.replace("0", "")))


def _padded(text: str, verb: _Verb) -> str:
    if "-" in verb.flags:
        return text.ljust(verb.width)
    return text.rjust(verb.width, "0" if "0" in verb.flags else " ")
