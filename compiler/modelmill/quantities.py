"""Amounts that Kubernetes writes with a unit: 16Gi, 500M, 0.5.

In: the text of a quantity (`formats.Quantity`). Out: a whole number of bytes, or of whatever is
counted, rounded up as Kubernetes does (k8s.io/apimachinery/pkg/api/resource/quantity.go, Value), or
the exact one.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

_UNITS = {
    "m": Fraction(1, 1000),
    "k": Fraction(10**3),
    "M": Fraction(10**6),
    "G": Fraction(10**9),
    "T": Fraction(10**12),
    "P": Fraction(10**15),
    "E": Fraction(10**18),
    "Ki": Fraction(2**10),
    "Mi": Fraction(2**20),
    "Gi": Fraction(2**30),
    "Ti": Fraction(2**40),
    "Pi": Fraction(2**50),
    "Ei": Fraction(2**60),
}


def amount(quantity: str) -> int:
    """The whole amount: amount("1.5Ki") is 1536."""
    whole = exact(quantity)
    return -(-whole.numerator // whole.denominator)


def exact(quantity: str) -> Fraction:
    """The amount as it is: exact("500m") is a half."""
    digits = quantity.rstrip("mkKMGTPEi")
    unit = _UNITS.get(quantity[len(digits) :], Fraction(1))
    return Fraction(digits.rstrip(".") or "0") * unit


def total(quantities: Sequence[str]) -> str:
    """The sum, as people write it; one quantity alone as it is written."""
    if len(quantities) == 1:
        return quantities[0]
    return spelt(sum(amount(each) for each in quantities))


def spelt(number: int) -> str:
    """A number of bytes as people write it: in the largest binary unit that holds it exactly."""
    units = [name for name in _UNITS if name.endswith("i")]
    fits = [name for name in units if number and number % int(_UNITS[name]) == 0]
    return f"{number // int(_UNITS[fits[-1]])}{fits[-1]}" if fits else str(number)
