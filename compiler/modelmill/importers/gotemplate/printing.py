"""Values as Go's fmt prints them: https://pkg.go.dev/fmt#hdr-Printing.

In: values. Out: text. `%v` is here, the other verbs are in `verbs`.
"""

from __future__ import annotations

import math
from typing import Any

from modelmill.importers.gotemplate.values import ABSENT, Structure
from modelmill.regexes import regex

_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
}
_plain = regex(r"[ -!#-\[\]-~]*")


def shown(value: Any) -> str:
    """A value as an action writes it."""
    return "<no value>" if value is None or value is ABSENT else printed(value)


def printed(value: Any) -> str:
    """A value as `%v` prints it."""
    if isinstance(value, str):
        return value
    if value is None or value is ABSENT:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return real(value)
    if isinstance(value, Structure):
        return value.text
    if isinstance(value, dict):
        entries = (f"{key}:{printed(value[key])}" for key in sorted(value))
        return f"map[{' '.join(entries)}]"
    return f"[{' '.join(map(printed, value))}]"


def real(number: float, *, least: int = -4, most: int = 6) -> str:
    """The shortest digits that mean the number; with an exponent if that is below `least` or from
    `most` on, so that `%v` of 1000000.0 is 1e+06 (strconv.FormatFloat with 'g' and -1)."""
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else ("+Inf" if number > 0 else "-Inf")
    digits, exponent = digits_of(number)
    sign = "-" if math.copysign(1, number) < 0 else ""
    if number == 0:
        return sign + "0"
    if exponent < least or exponent >= most:
        rest = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{rest}e{'-' if exponent < 0 else '+'}{abs(exponent):02}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    if len(digits) <= exponent + 1:
        return sign + digits.ljust(exponent + 1, "0")
    return f"{sign}{digits[: exponent + 1]}.{digits[exponent + 1 :]}"


def digits_of(number: float) -> tuple[str, int]:
    """The shortest digits that mean the number, and the power of ten of the first."""
    mantissa, _, power = f"{abs(number)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    together = (whole + fraction).lstrip("0")
    leading = len(whole + fraction) - len(together)
    return together.rstrip("0") or "0", len(whole) - 1 - leading + int(power or 0)


def quoted(text: str) -> str:
    """A string as `%q` prints it: strconv.Quote."""
    if _plain.fullmatch(text):
        return f'"{text}"'
    return '"' + "".join('\\"' if char == '"' else _escaped(char) for char in text) + '"'


def quoted_rune(code: int) -> str:
    """A code point as `%q` prints it: strconv.QuoteRune."""
    valid = 0 <= code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF
    char = chr(code) if valid else "\ufffd"
    return "'\\''" if char == "'" else f"'{_escaped(char)}'"


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
