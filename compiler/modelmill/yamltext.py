"""JSON data to YAML text: the only place that knows how YAML is spelt.

In: mappings, sequences, text, numbers, booleans and null. Out: one document in block style, laid
out as `kubectl` does, that YAML 1.1, YAML 1.2 and Go read alike. Never: anchors, tags, comments,
sorting, line folding, or a plain scalar that some reader takes for anything but text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from types import MappingProxyType
from typing import Any

from modelmill.regexes import regex

# Plain is what begins like a word or a `--flag`, then words parted by single blanks or by colons
# that no blank follows; and a count with its unit (`64Gi`, `30s`). No number, date or indicator
# looks like that, and the words that YAML 1.1 types are named. The grammar allows far more, but
# readers differ on the rest (https://github.com/yaml/pyyaml/issues/173).
_is_plain = regex(
    r"""
    (?!(?i:y|n|yes|no|on|off|true|false|null)\Z)
    (?:
        (?: [A-Za-z_/] | --(?=[A-Za-z]) ) [A-Za-z0-9_./@+%=,()~-]*+
        (?: (?: :++ | [ ](?=[A-Za-z0-9_/(]) ) [A-Za-z0-9_./@+%=,()~-]++ )*+
      | [0-9]++ (?: [KMGTP]i | ms | [hms] )
    )
    \Z""",
    re.VERBOSE,
)

# Controls, the line ends of other standards, the order mark, non-characters and surrogates; and
# what reverses the direction of text, because a reviewer must see what a machine reads.
_HIDDEN = (
    "\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufeff\ufffe\uffff"
)
_find_hidden = regex(f"[{_HIDDEN}]")
_replace_escaped = regex(rf'[\n"\\{_HIDDEN}]')
_replace_line_start = regex(r"\n(?!\n)")

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_WORDS: dict[object, str] = {None: "null", True: "true", False: "false"}
_MAPPINGS = frozenset({dict, MappingProxyType})
_SEQUENCES = frozenset({list, tuple})

# Readers look no further than this for the colon of a key (https://yaml.org/spec/1.2.2/#742-flow-mappings).
_LONGEST_KEY = 1024
_INT64 = 1 << 63

# Written forms already worked out: costs memory, saves time, never changes a result. Holds only
# single-line text short enough to be a key, so that neither place nor length needs another look.
_known: dict[str, str] = {}
_KNOWN_LIMIT = 1 << 16
_recall = _known.get

_Write = Callable[[str], None]


def dump(document: Mapping[str, Any] | Sequence[Any]) -> str:
    """The document as block YAML, ending in a newline, without `---`."""
    lines: list[str] = []
    if not document:
        return "{}\n" if isinstance(document, Mapping) else "[]\n"
    if isinstance(document, Mapping):
        _write_mapping(document, "", "", lines.append)
    else:
        _write_sequence(document, "", "", lines.append)
    return "".join(lines)


def scalar(text: str) -> str:
    """The text as a plain or double-quoted scalar on one line; not for flow style (`[a, b]`)."""
    written = _recall(text)
    if written is None:
        written = text if _is_plain.match(text) else _quoted(text)
        if len(written) <= _LONGEST_KEY and "\n" not in text:
            if len(_known) >= _KNOWN_LIMIT:
                _known.clear()
            _known[text] = written
    return written


def _quoted(text: str) -> str:
    """Single quotes where they save escapes, so that JSON in a flag stays readable."""
    saves = ('"' in text or "\\" in text) and "'" not in text and "\n" not in text
    if saves and not _find_hidden.search(text):
        return f"'{text}'"
    return f'"{_replace_escaped.sub(_escape, text)}"'


# `lead` is what stands before the first line (the dashes of an enclosing sequence), `pad` what
# stands before every other.
def _write_mapping(mapping: Mapping[str, Any], lead: str, pad: str, write: _Write) -> None:
    for key, value in mapping.items():
        name = _recall(key) or _key(key)
        kind = type(value)
        if kind is str:
            write(f"{lead}{name}: {_recall(value) or _text(value, pad)}\n")
        elif value and kind in _MAPPINGS:
            write(f"{lead}{name}:\n")
            deeper = pad + "  "
            _write_mapping(value, deeper, deeper, write)
        elif value and kind in _SEQUENCES:
            write(f"{lead}{name}:\n")
            _write_sequence(value, pad, pad, write)
        else:
            write(f"{lead}{name}: {_word_or_number(value)}\n")
        lead = pad


def _write_sequence(sequence: Sequence[Any], lead: str, pad: str, write: _Write) -> None:
    for value in sequence:
        kind = type(value)
        if kind is str:
            write(f"{lead}- {_recall(value) or _text(value, pad)}\n")
        elif value and kind in _MAPPINGS:
            _write_mapping(value, lead + "- ", pad + "  ", write)
        elif value and kind in _SEQUENCES:
            _write_sequence(value, lead + "- ", pad + "  ", write)
        else:
            write(f"{lead}- {_word_or_number(value)}\n")
        lead = pad


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a key must be text, not {type(key).__name__}")
    # A key that equals text is that text, remembered or not; so take an enumeration's value.
    written = scalar(str.__str__(key))
    if len(written) > _LONGEST_KEY:
        raise ValueError(f"a key of {len(written)} characters is too long for YAML: {key[:40]!r}…")
    return written


def _text(text: str, pad: str) -> str:
    if not _fits_block(text):
        return scalar(text)
    return "|" + _replace_line_start.sub(f"\n{pad}  ", "\n" + text[:-1])


def _fits_block(text: str) -> bool:
    """True for lines that `|` keeps as they are: no blank at an edge, nothing hidden."""
    return (
        text.count("\n") > 1
        and text[0] not in " \n"
        and text[-1] == "\n"
        and text[-2] != "\n"
        and " \n" not in text
        and not _find_hidden.search(text)
    )


def _escape(found: re.Match[str]) -> str:
    char = found[0]
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:
        raise ValueError(f"half a surrogate pair is not text: {found.string[:40]!r}")
    return _ESCAPES.get(char) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def _word_or_number(value: object) -> str:
    """What is neither text nor filled: a word, a number or an empty container."""
    kind = type(value)
    if kind is int:
        return _integer(value)
    if kind is float:
        return _float(value)
    if value is None or kind is bool:
        return _WORDS[value]
    if kind in _MAPPINGS:
        return "{}"
    if kind in _SEQUENCES:
        return "[]"
    raise TypeError(f"not JSON data: {kind.__name__}")


def _integer(number: Any) -> str:
    # Kubernetes keeps integers in 64 bits; Go turns a longer one into the nearest float, unasked.
    if not -_INT64 <= number < _INT64:
        raise ValueError(f"not a 64-bit integer: {number.bit_length()} bits")
    return str(number)


def _float(number: Any) -> str:
    if not isfinite(number):
        raise ValueError(f"not a JSON number: {number}")
    digits = repr(number)
    # YAML 1.1 takes `1e+16` for text; with a point it is a number everywhere.
    return digits if "." in digits else digits.replace("e", ".0e")
