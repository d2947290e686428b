"""Quantities as Kubernetes writes them back: 1000m is 1, 1024Mi is 1Gi.

In: the text of a quantity. Out: its canonical form (k8s.io/apimachinery resource.Quantity).
"""

from __future__ import annotations

from decimal import Decimal, localcontext

from modelmill.regexes import regex

_form = regex(r"([+-]?)([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,3})?")
_DECIMAL = {
    "n": -9,
    "u": -6,
    "m": -3,
    "": 0,
    "k": 3,
    "M": 6,
    "G": 9,
    "T": 12,
    "P": 15,
    "E": 18,
}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_SUFFIXES = {power: suffix for suffix, power in _DECIMAL.items()}
_LONGEST = 64


def canonical(text: str) -> str | None:
    """The canonical form; None if the text is no quantity."""
    found = _form.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if not found:
        return None
    sign, digits, suffix = found[1], found[2], found[3] or ""
    with localcontext(prec=200):
        amount = Decimal(digits) * (-1 if sign == "-" else 1)
        if suffix in _BINARY:
            return _binary(amount * 2 ** _BINARY[suffix])
        exponent = suffix not in _DECIMAL
        power = int(suffix[1:]) if exponent else _DECIMAL[suffix]
        return _decimal(amount.scaleb(power), exponent)


def _binary(amount: Decimal) -> str:
    if abs(amount) < 1024 or amount != amount.to_integral_value():
        return _decimal(amount, False)
    whole, power = int(amount), 0
    while whole % 1024 == 0 and power < _BINARY["Ei"]:
        whole, power = whole // 1024, power + 10
    suffix = next((name for name, each in _BINARY.items() if each == power), "")
    return f"{whole}{suffix}"


def _decimal(amount: Decimal, exponent: bool) -> str:
    if amount == 0:
        return "0"
    # Nothing below a billionth is kept, and what is cut is rounded up.
    scaled = amount.scaleb(9)
    whole = int(scaled)
    whole += (1 if amount > 0 else -1) if whole != scaled else 0
    power = -9
    while whole % 1000 == 0 and (exponent or power < 18):
        whole, power = whole // 1000, power + 3
    if exponent:
        return f"{whole}e{power}" if power else str(whole)
    return f"{whole}{_SUFFIXES[power]}"
