"""What a plain scalar means to Helm and sigs.k8s.io/yaml: YAML 1.1 as go-yaml v2 resolves it.

In: the scalar's text. Out: null, a boolean, a number or the text. A date stays text, and so does
`12:30`, which YAML 1.1 counts in sixties and go-yaml does not (go.yaml.in/yaml/v2 resolve.go).
"""

from __future__ import annotations

from math import isfinite
from typing import Any

from modelmill.regexes import regex

WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **{
        spelt: meaning
        for word, meaning in (
            ("y", True),
            ("yes", True),
            ("true", True),
            ("on", True),
            ("n", False),
            ("no", False),
            ("false", False),
            ("off", False),
        )
        for spelt in (word, word.title(), word.upper())
    },
}
_bases = (
    (regex(r"[-+]?0[xX][0-9a-fA-F]+\Z"), 16),
    (regex(r"[-+]?0[bB][01]+\Z"), 2),
    (regex(r"[-+]?0[oO]?[0-7]+\Z"), 8),
    (regex(r"[-+]?(0|[1-9][0-9]*)\Z"), 10),
)
_float = regex(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
LONGEST_NUMBER = 64
LARGEST = 1 << 53


def resolved(text: str) -> Any:
    """The value of an unquoted scalar."""
    if text in WORDS:
        return WORDS[text]
    if len(text) > LONGEST_NUMBER or text[0] not in "+-.0123456789":
        return text
    return _number(text.replace("_", ""), text)


def _number(digits: str, text: str) -> Any:
    for form, base in _bases:
        if form.match(digits):
            return int(digits.replace("o", "").replace("O", ""), base)
    if _float.match(digits):
        # Helm turns every values file into JSON, where 1.0 is 1 and there is no infinity.
        value = float(digits)
        if not isfinite(value):
            return text
        return int(value) if value.is_integer() and abs(value) < LARGEST else value
    return text
