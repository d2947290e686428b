"""Go's literals: https://go.dev/ref/spec#String_literals, #Rune_literals, #Integer_literals.

In: a literal as it is written. Out: its value, or None if it is not one.
"""

from __future__ import annotations

import re

from modelmill.importers.gotemplate.values import decoded, encoded
from modelmill.regexes import regex

_ESCAPE = regex(
    r"\\(?:([abfnrtv\\\"'])|([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))"
)
_SIMPLE = dict(zip("abfnrtv\\\"'", b"\a\b\f\n\r\t\v\\\"'", strict=True))
_DIGITS = r"(?:_?[0-9])*+"
_INTEGER = regex(
    r"[+-]?(?:0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0(?:_?[0-7])*"
    rf"|[1-9]{_DIGITS})"
)
_FLOAT = regex(
    rf"[+-]?(?:[0-9]{_DIGITS}\.?(?:[0-9]{_DIGITS})?|\.[0-9]{_DIGITS})(?:[eE][+-]?[0-9]{_DIGITS})?"
)
_HEX_FLOAT = regex(r"[+-]?0[xX][0-9a-fA-F_]*+\.?[0-9a-fA-F_]*+[pP][+-]?[0-9_]+")
_INT64 = 1 << 63


def unquoted(written: str) -> str | None:
    """A string literal's text, in double quotes or backquotes."""
    inside = written[1:-1]
    if written[0] == "`":
        return inside.replace("\r", "")
    return _unescaped(inside, "'")


def rune(written: str) -> int | None:
    """A character literal's code point."""
    text = _unescaped(written[1:-1], '"')
    if text is None or len(text) != 1 or written == "'''":
        return None
    code = ord(text)
    return code - 0xDC00 if 0xDC80 <= code <= 0xDCFF else code


def _unescaped(inside: str, other_quote: str) -> str | None:
    """With escapes replaced; an octal or hexadecimal one is a byte, which need not be UTF-8."""
    result = bytearray()
    end = 0
    while (start := inside.find("\\", end)) >= 0:
        result += encoded(inside[end:start])
        matched = _ESCAPE.match(inside, start)
        if matched is None:
            return None
        simple, octal, hexadecimal, short, long = matched.groups()
        if simple:
            if simple == other_quote:
                return None
            result.append(_SIMPLE[simple])
        elif octal or hexadecimal:
            byte = int(octal, 8) if octal else int(hexadecimal, 16)
            if byte > 0xFF:
                return None
            result.append(byte)
        else:
            code = int(short or long, 16)
            if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
                return None
            result += chr(code).encode()
        end = matched.end()
    return decoded(bytes(result + encoded(inside[end:])))


def number(written: str) -> tuple[int | float, int | None] | None:
    """A number's value by its spelling, and its value as an integer if it has one; None if it is
    no number, or one of more than 64 bits."""
    if _INTEGER.fullmatch(written):
        digits = written.replace("_", "")
        old_octal = re.fullmatch(r"([+-]?)0([0-7]+)", digits)
        if len(digits) > 70:
            return None
        value = int(f"{old_octal[1]}0o{old_octal[2]}" if old_octal else digits, 0)
        return (value, value) if -_INT64 <= value < _INT64 else None
    if len(written) > 400 or not set(written) & set(".eEpP"):
        return None
    if _FLOAT.fullmatch(written):
        real = float(written)
    elif _HEX_FLOAT.fullmatch(written):
        try:
            real = float.fromhex(written.replace("_", ""))
        except (ValueError, OverflowError):
            return None
    else:
        return None
    if real in (float("inf"), float("-inf")):
        return None
    return real, int(real) if real.is_integer() and abs(real) < _INT64 else None
