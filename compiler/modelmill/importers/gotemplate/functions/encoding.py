"""JSON, base64, base32 and checksums: https://masterminds.github.io/sprig/defaults.html,
https://masterminds.github.io/sprig/encoding.html, https://masterminds.github.io/sprig/crypto.html.

In: values and texts. Out: texts and values. JSON is written as Go's encoding/json does: keys in
order, `<`, `>` and `&` escaped.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from modelmill.importers.gotemplate.faults import Fault
from modelmill.importers.gotemplate.limits import weigh
from modelmill.importers.gotemplate.printing import real
from modelmill.importers.gotemplate.signatures import Function, function
from modelmill.importers.gotemplate.values import NoStrings, Structure, decoded, encoded
from modelmill.regexes import regex

_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}
_escaped = regex('["\\\\\x00-\x1f\u2028\u2029\ud800-\udfff]')
_escaped_html = regex('["\\\\\x00-\x1f\u2028\u2029\ud800-\udfff<>&]')


def json_number(number: float) -> str:
    """A float64 as encoding/json writes it: https://pkg.go.dev/encoding/json#Marshal."""
    return re.sub(r"e-0(\d)\Z", r"e-\1", real(number, least=-6, most=21))


def json_text(value: Any, *, indent: str = "", html: bool = True) -> str:
    return _json(value, indent, "\n" if indent else "", html)


def _json(value: Any, indent: str, line: str, html: bool) -> str:
    if isinstance(value, Structure):
        value = value.text
    if isinstance(value, str):
        return f'"{(_escaped_html.sub if html else _escaped.sub)(_escape, value)}"'
    if isinstance(value, NoStrings):
        return "null"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return json_number(value)
    inner = line + indent
    if isinstance(value, dict):
        colon = ": " if indent else ":"
        pieces = [
            f"{_json(key, indent, inner, html)}{colon}{_json(value[key], indent, inner, html)}"
            for key in sorted(value)
        ]
        brackets = "{}"
    else:
        pieces = [_json(each, indent, inner, html) for each in value]
        brackets = "[]"
    if not pieces:
        return brackets
    return f"{brackets[0]}{inner}{f',{inner}'.join(pieces)}{line}{brackets[1]}"


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    known = "\\ufffd" if 0xD800 <= code <= 0xDFFF else f"\\u{code:04x}"
    return _ESCAPES.get(found[0]) or known


def from_json(text: str) -> Any:
    """Numbers are float64. Raises ValueError for what is not JSON."""
    try:
        value = json.loads(text, parse_int=_number, parse_float=_number, parse_constant=_refused)
    except RecursionError:
        raise Fault("the JSON nests too deep", "limit") from None
    weigh(value)
    # Half a surrogate pair, of which only an escape can be one, is no text.
    if "\\u" in text and "\\ufffd" in json_text(value):
        raise ValueError("half a surrogate pair is not text")
    return value


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large a number")
    return number


def _refused(name: str) -> Any:
    raise ValueError(name)


def _read_json(text: str) -> Any:
    """nil for what is not JSON, as Sprig does."""
    try:
        return from_json(text)
    except ValueError:
        return None


def _read_json_strictly(text: str) -> Any:
    try:
        return from_json(text)
    except ValueError:
        raise Fault("the text is not JSON") from None


def _from_base64(text: str) -> str:
    """Sprig gives Go's message for what is not base64; that is an error here."""
    try:
        return decoded(base64.b64decode(re.sub(r"[\r\n]", "", text), validate=True))
    except (binascii.Error, ValueError):
        raise Fault("the text is not base64") from None


def _from_base32(text: str) -> str:
    try:
        return decoded(base64.b32decode(re.sub(r"[\r\n]", "", text)))
    except (binascii.Error, ValueError):
        raise Fault("the text is not base32") from None


def _sum(name: str) -> Callable[[str], str]:
    return lambda text: hashlib.new(name, encoded(text), usedforsecurity=False).hexdigest()


_READ_JSON = function("string", _read_json_strictly)
_TO_JSON = function("any", json_text)
_TO_PRETTY_JSON = function("any", lambda value: json_text(value, indent="  "))
_TO_RAW_JSON = function("any", lambda value: json_text(value, html=False))

FUNCTIONS: Mapping[str, Function] = {
    "adler32sum": function("string", lambda text: str(zlib.adler32(encoded(text)))),
    "b32dec": function("string", _from_base32),
    "b32enc": function("string", lambda text: base64.b32encode(encoded(text)).decode()),
    "b64dec": function("string", _from_base64),
    "b64enc": function("string", lambda text: base64.b64encode(encoded(text)).decode()),
    "fromJson": function("string", _read_json),
    "mustFromJson": _READ_JSON,
    "mustToJson": _TO_JSON,
    "mustToPrettyJson": _TO_PRETTY_JSON,
    "mustToRawJson": _TO_RAW_JSON,
    "sha1sum": function("string", _sum("sha1")),
    "sha256sum": function("string", _sum("sha256")),
    "sha512sum": function("string", _sum("sha512")),
    "toJson": _TO_JSON,
    "toPrettyJson": _TO_PRETTY_JSON,
    "toRawJson": _TO_RAW_JSON,
}
