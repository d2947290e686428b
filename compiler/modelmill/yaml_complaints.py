"""What libyaml says about broken YAML, in words for people.

In: the parser's own words. Out: a message and a hint. Data only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Complaint(NamedTuple):
    """`at_start`: the place to show is where the broken thing begins, not where it was noticed."""

    message: str
    hint: str = ""
    at_start: bool = False


_INDENT = "check how far this line and the ones above are indented"
_QUOTE = "put quotes around a value that holds this character"

COMPLAINTS: Mapping[str, Complaint] = {
    "mapping values are not allowed in this context": Complaint(
        "a `:` stands where no key can be",
        "put quotes around a value that holds `: `, or check the indentation",
    ),
    "did not find expected key": Complaint("a `key: value` is expected here", _INDENT),
    "could not find expected ':'": Complaint(
        "this is not a `key: value`", "a `:` and a blank are missing", at_start=True
    ),
    "did not find expected '-' indicator": Complaint(
        "a `- ` for the next entry is expected here", _INDENT
    ),
    "did not find expected ',' or ']'": Complaint(
        "a list in brackets is not closed: `,` or `]` is expected here"
    ),
    "did not find expected ',' or '}'": Complaint(
        "a mapping in braces is not closed: `,` or `}` is expected here"
    ),
    "found unexpected end of stream": Complaint(
        "this string has no end", "close the quote", at_start=True
    ),
    "found unexpected document indicator": Complaint(
        "this string has no end", "close the quote", at_start=True
    ),
    "found character that cannot start any token": Complaint(
        "no value can begin with this character", _QUOTE
    ),
    "found unknown escape character": Complaint(
        "no such escape in a string with double quotes",
        "write `\\\\` for a backslash, or use single quotes",
    ),
    "block sequence entries are not allowed in this context": Complaint(
        "a `- ` entry cannot stand here", "begin the list on a line of its own"
    ),
}

BEGINNINGS: Mapping[str, str] = {
    "while parsing a flow mapping": "the mapping",
    "while parsing a flow sequence": "the list",
    "while parsing a block mapping": "the mapping",
    "while parsing a block collection": "the list",
    "while scanning a quoted scalar": "the string",
}
"""What was being read when the fault was noticed."""
