"""Sprig's arithmetic: https://masterminds.github.io/sprig/math.html.

In: anything, made a number as https://pkg.go.dev/github.com/spf13/cast does it: what is none is 0.
Out: int64 of 64 bits, which wraps round, or float64.
"""

from __future__ import annotations

import decimal
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from modelmill.importers.gotemplate import literals
from modelmill.importers.gotemplate.faults import Fault
from modelmill.importers.gotemplate.limits import check_items
from modelmill.importers.gotemplate.printing import printed
from modelmill.importers.gotemplate.signatures import Function, function
from modelmill.importers.gotemplate.values import Int64, Ints, int64
from modelmill.regexes import regex

_float = regex(
    r"[+-]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?|[+-]?(?:inf|infinity)|nan",
    re.IGNORECASE,
)
_LOWEST = -(1 << 63)
_ZEROS = regex(r"\.0+\Z")
_DECIMALS = decimal.Context(prec=1000, traps=[], Emax=10**9, Emin=-(10**9))
_SIXTEENTH = decimal.Decimal("1e-16")


def integer(value: Any) -> int:
    if isinstance(value, str):
        known = literals.number(_ZEROS.sub("", value))
        return int(known[0]) if known and isinstance(known[0], int) else 0
    if isinstance(value, float):
        whole = int(value) if math.isfinite(value) else _LOWEST
        return whole if _LOWEST <= whole < -_LOWEST else _LOWEST
    return int(value) if isinstance(value, int) else 0


def real(value: Any) -> float:
    if isinstance(value, str):
        number = float(value) if _float.fullmatch(value) else 0.0
        return number if math.isfinite(number) or not value.strip("+-")[:1].isdigit() else 0.0
    return float(value) if isinstance(value, int | float) else 0.0


def _parsed(text: str) -> int:
    """strconv.Atoi: decimal digits only."""
    number = int(text) if re.fullmatch(r"[+-]?[0-9]{1,20}", text) else 0
    return number if _LOWEST <= number < -_LOWEST else (_LOWEST if number < 0 else -_LOWEST - 1)


def _sum(*values: Any) -> Int64:
    return int64(sum(map(integer, values)))


def _product(first: Any, *values: Any) -> Int64:
    product = int64(integer(first))
    for value in values:
        product = int64(product * integer(value))
    return product


def _quotient(a: Any, b: Any) -> Int64:
    """Towards zero."""
    dividend, divisor = integer(a), integer(b)
    if not divisor:
        raise Fault("a number is divided by 0")
    quotient = abs(dividend) // abs(divisor)
    return int64(quotient if (dividend < 0) == (divisor < 0) else -quotient)


def _remainder(a: Any, b: Any) -> Int64:
    return int64(integer(a) - _quotient(a, b) * integer(b))


def _rounded(value: Any, places: int, *up_from: float) -> float:
    if abs(places) > 300:
        raise Fault("a number is rounded to at most 300 places")
    power = 10.0**places
    shifted = real(value) * power
    if not math.isfinite(shifted):
        return shifted
    up = math.modf(shifted)[0] >= (up_from[0] if up_from else 0.5)
    return float(math.ceil(shifted) if up else math.floor(shifted)) / power


def _whole(rounding: Callable[[float], int]) -> Callable[[Any], float]:
    def run(value: Any) -> float:
        number = real(value)
        return float(rounding(number)) if math.isfinite(number) else number

    return run


def _exact(operation: str) -> Callable[..., float]:
    """Arithmetic on the decimal digits that the numbers are written with."""

    def run(first: Any, *values: Any) -> float:
        result = _decimal(first)
        for value in values:
            other = _decimal(value)
            if operation == "add":
                result = _DECIMALS.add(result, other)
            elif operation == "subtract":
                result = _DECIMALS.subtract(result, other)
            elif operation == "multiply":
                result = _DECIMALS.multiply(result, other)
            elif other:
                exact = _DECIMALS.divide(result, other)
                result = exact.quantize(_SIXTEENTH, decimal.ROUND_HALF_UP, _DECIMALS)
            else:
                raise Fault("a number is divided by 0")
        # There is no negative zero among decimals.
        return float(result) + 0.0

    return run


def _decimal(value: Any) -> decimal.Decimal:
    number = real(value)
    if not math.isfinite(number):
        raise Fault(f"{printed(number)} is not a decimal number")
    return decimal.Decimal(repr(number))


def steps(start: int, stop: int, step: int) -> Ints:
    """`start`, and by `step`, up to and without `stop`; none if the step leads away from it."""
    if (stop < start and step >= 0) or (stop >= start and step <= 0):
        return Ints()
    numbers = range(start, stop, step)
    check_items(min(len(numbers), 1 << 40) if -(1 << 40) < stop - start < 1 << 40 else 1 << 40)
    return Ints(numbers)


def _sequence(*bounds: int) -> str:
    """The numbers of the shell's `seq`: an end; a start and an end; or a start, a step, an end."""
    if not bounds or len(bounds) > 3:
        return ""
    start = bounds[0] if len(bounds) > 1 else 1
    end = bounds[-1]
    direction = -1 if end < start else 1
    step = bounds[1] if len(bounds) == 3 else direction
    if len(bounds) == 3 and end < start and step > 0:
        return ""
    return " ".join(map(str, steps(start, end + direction, step)))


def _octal(value: Any) -> Int64:
    text = printed(value)
    number = int(text, 8) if re.fullmatch(r"[+-]?[0-7]{1,22}", text) else 0
    return Int64(number if _LOWEST <= number < -_LOWEST else 0)


def _largest(first: Any, *values: Any) -> Int64:
    return Int64(max(map(integer, (first, *values))))


def _smallest(first: Any, *values: Any) -> Int64:
    return Int64(min(map(integer, (first, *values))))


FUNCTIONS: Mapping[str, Function] = {
    "add": function("any...", _sum),
    "add1": function("any", lambda value: _sum(value, 1)),
    "add1f": function("any", lambda value: _exact("add")(value, 1)),
    "addf": function("any...", lambda *values: _exact("add")(0, *values)),
    "atoi": function("string", _parsed),
    "biggest": function("any any...", _largest),
    "ceil": function("any", _whole(math.ceil)),
    "div": function("any any", _quotient),
    "divf": function("any any...", _exact("divide")),
    "float64": function("any", real),
    "floor": function("any", _whole(math.floor)),
    "int": function("any", integer),
    "int64": function("any", lambda value: Int64(integer(value))),
    "max": function("any any...", _largest),
    "maxf": function("any any...", lambda *values: max(map(real, values))),
    "min": function("any any...", _smallest),
    "minf": function("any any...", lambda *values: min(map(real, values))),
    "mod": function("any any", _remainder),
    "mul": function("any any...", _product),
    "mulf": function("any any...", _exact("multiply")),
    "round": function("any int float...", _rounded),
    "seq": function("int...", _sequence),
    "sub": function("any any", lambda a, b: int64(integer(a) - integer(b))),
    "subf": function("any any...", _exact("subtract")),
    "toDecimal": function("any", _octal),
    "until": function("int", lambda count: steps(0, count, -1 if count < 0 else 1)),
    "untilStep": function("int int int", steps),
}
