"""What YAML's plain scalars mean, and which of them readers disagree on.

In: a scalar's text. Out: whether it is a word, a number, or anything but what it looks like. Never:
a place, or a finding.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from modelmill.regexes import regex

WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# Booleans and merge keys of YAML 1.1, which PyYAML and older Go readers follow; strings in 1.2.
AMBIGUOUS_WORDS = frozenset(
    {"=", "<<", ".nan", ".NaN", ".NAN"}.union(
        *({word, word.title(), word.upper()} for word in ("y", "n", "yes", "no", "on", "off"))
    )
)
SPECIAL = AMBIGUOUS_WORDS.union(WORDS)
NUMBER_START = frozenset("-+.0123456789")
"""Text that neither begins with one of these nor is special means itself to everybody."""

integer = regex(r"[-+]?(0|[1-9][0-9]*)\Z")
_usual_key = regex(r"[A-Za-z_][A-Za-z0-9_./-]{0,252}")
_plain_key = regex(r"true|false|0|-?[1-9][0-9]{0,14}")
_hexadecimal = regex(r"0x[0-9a-fA-F]+\Z")
_fraction = regex(r"([-+]?[0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?\Z")
# What some reader takes for a number or a date; underscores, which some leave out, count as zeros.
_ambiguous = regex(
    r"""( [-+]?[0-9]+ | [-+]?0[oObBxX][0-9a-fA-F]+                 # 010 is 8 in YAML 1.1
        | [-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?                   # 12:30 is 750 in YAML 1.1
        | [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?     # 1e3 and -.5 are text in YAML 1.1
        | [-+]?\.(inf|Inf|INF)
        | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)? )\Z""",
    re.VERBOSE,
)


@lru_cache(maxsize=4096)
def usual_key(key: str) -> str:
    """A key with which nothing can be wrong, one string for all files; "" for any other."""
    return key if _usual_key.fullmatch(key) and key not in SPECIAL else ""


def is_plain_key(key: str) -> bool:
    """Whether a key that looks like another type is that to nobody."""
    return _plain_key.fullmatch(key) is not None


def is_hexadecimal(text: str) -> bool:
    return _hexadecimal.match(text) is not None


def is_fraction(text: str) -> bool:
    return _fraction.match(text) is not None


def is_ambiguous(text: str) -> bool:
    """Whether readers disagree on what a plain scalar means that is none of ours."""
    if text in SPECIAL:
        return True
    return text[0] in NUMBER_START and _ambiguous.match(text.replace("_", "0")) is not None
