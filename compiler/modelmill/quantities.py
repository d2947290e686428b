"""Amounts that Kubernetes writes with a unit: 16Gi, 500M, 0.5.

In: the text of a quantity (`formats.Quantity`). Out: a whole number of bytes, or of whatever is
counted, rounded up as Kubernetes does (k8s.io/apimachinery/pkg/api/resource/quantity.go, Value), or
the exact one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction

_UNITS = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "P": 10**15,
    "E": 10**18,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
    "Pi": 2**50,
    "Ei": 2**60,
}


@lru_cache(maxsize=4096)
def amount(quantity: str) -> int:
    """The whole amount: amount("1.5Ki") is 1536."""
    whole = exact(quantity)
    return -(-whole.numerator // whole.denominator)


@lru_cache(maxsize=4096)
def exact(quantity: str) -> Fraction | int:
    """The amount as it is: exact("500m") is a half."""
    digits = quantity.rstrip("mkKMGTPEi")
    unit = quantity[len(digits) :]
    if unit in _UNITS and digits.isascii() and digits.isdecimal():
        return int(digits) * _UNITS[unit]
    # What most amounts are takes no 2 ms to import.
    from fractions import Fraction

    scale = Fraction(1, 1000) if unit == "m" else Fraction(_UNITS.get(unit, 1))
    return Fraction(digits.rstrip(".") or "0") * scale


def total(quantities: Sequence[str]) -> str:
    """The sum, as people write it; one quantity alone as it is written."""
    if len(quantities) == 1:
        return quantities[0]
    return spelt(sum(amount(each) for each in quantities))


def spelt(number: int) -> str:
    """A number of bytes as people write it: in the largest binary unit that holds it exactly."""
    units = [name for name in _UNITS if name.endswith("i")]
    fits = [name for name in units if number and number % _UNITS[name] == 0]
    return f"{number // _UNITS[fits[-1]]}{fits[-1]}" if fits else str(number)
