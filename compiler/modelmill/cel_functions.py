"""Functions of Kubernetes' CEL library that the evaluator does not bring itself.

In: values of CEL. Out: values of CEL. What CEL has as a type of its own (a quantity, a URL) is a
mapping here, which only these functions look into (kubernetes.io/docs/reference/using-api/cel).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from fractions import Fraction
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

from modelmill.gotypes.quantities import canonical
from modelmill.quantities import exact


def _find(text: str, pattern: str) -> str:
    found = re.search(pattern, text)
    return found[0] if found else ""


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    found = [each[0] for each in re.finditer(pattern, text)]
    return found if limit < 0 else found[:limit]


def _split(text: str, separator: str, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    if not separator:
        return list(text)
    return text.split(separator, limit - 1 if limit > 0 else -1)


def _replace(text: str, old: str, new: str, limit: int = -1) -> str:
    return text.replace(old, new, limit)


def _substring(text: str, start: int, end: int | None = None) -> str:
    if not 0 <= start <= (len(text) if end is None else end) <= len(text):
        raise ValueError("out of range")
    return text[start:end]


def _index_of(value: Any, wanted: Any) -> int:
    if isinstance(value, str):
        return value.find(wanted)
    return value.index(wanted) if wanted in value else -1


def _last_index_of(value: Any, wanted: Any) -> int:
    if isinstance(value, str):
        return value.rfind(wanted)
    places = [place for place, each in enumerate(value) if each == wanted]
    return places[-1] if places else -1


def _is_sorted(values: list[Any]) -> bool:
    return all(one <= other for one, other in pairwise(values))


def _is_quantity(text: str) -> bool:
    return canonical(text) is not None


def _quantity(text: str) -> dict[str, str]:
    whole = canonical(text)
    if whole is None:
        raise ValueError(f"no quantity: {text}")
    mantissa, _, power = whole.partition("e")
    amount = exact(mantissa) * Fraction(10) ** int(power or 0)
    return {"quantity": str(amount)}


def _amount(value: Any) -> Fraction:
    return Fraction(value["quantity"]) if isinstance(value, Mapping) else Fraction(value)


def _compare(one: Any, other: Any) -> int:
    left, right = _amount(one), _amount(other)
    return (left > right) - (left < right)


def _sign(value: Any) -> int:
    return _compare(value, 0)


def _is_url(text: str) -> bool:
    with suppress(ValueError):
        parts = urlsplit(text)
        return bool(parts.scheme and parts.netloc) or text.startswith("/")
    return False


def _url(text: str) -> dict[str, str]:
    if not _is_url(text):
        raise ValueError(f"no URL: {text}")
    return {"url": text}


def _query(url: Mapping[str, str]) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url["url"]).query, keep_blank_values=True)


def _is_ip(text: str) -> bool:
    with suppress(ValueError):
        return bool(ipaddress.ip_address(text))
    return False


def _is_cidr(text: str) -> bool:
    with suppress(ValueError):
        return "/" in text and bool(ipaddress.ip_network(text, strict=False))
    return False


def _family(value: Mapping[str, str]) -> int:
    return ipaddress.ip_address(value["ip"]).version


def _ip(text: str) -> dict[str, str]:
    return {"ip": str(ipaddress.ip_address(text))}


def _format(text: str, values: list[Any]) -> str:
    left = iter(values)

    def spelt(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        value = next(left)
        if isinstance(value, bool):
            return str(value).lower()
        return f"{value:.{found[1] or 6}f}" if found[2] == "f" else str(value)

    return re.sub(r"%(?:\.([0-9]+))?([sdf%])", spelt, text)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "charAt": lambda text, place: text[place : place + 1],
    "compareTo": _compare,
    "family": _family,
    "find": _find,
    "findAll": _find_all,
    "format": _format,
    "getEscapedPath": lambda url: urlsplit(url["url"]).path,
    "getHost": lambda url: urlsplit(url["url"]).netloc,
    "getHostname": lambda url: urlsplit(url["url"]).hostname or "",
    "getPort": lambda url: str(urlsplit(url["url"]).port or ""),
    "getQuery": _query,
    "getScheme": lambda url: urlsplit(url["url"]).scheme,
    "indexOf": _index_of,
    "ip": _ip,
    "isCIDR": _is_cidr,
    "isGreaterThan": lambda one, other: _compare(one, other) > 0,
    "isIP": _is_ip,
    "isInteger": lambda value: _amount(value).denominator == 1,
    "isLessThan": lambda one, other: _compare(one, other) < 0,
    "isQuantity": _is_quantity,
    "isSorted": _is_sorted,
    "isURL": _is_url,
    "join": lambda values, separator="": separator.join(values),
    "lastIndexOf": _last_index_of,
    "lowerAscii": lambda text: text.lower(),
    "quantity": _quantity,
    "replace": _replace,
    "sign": _sign,
    "split": _split,
    "substring": _substring,
    "sum": lambda values: sum(values),
    "trim": lambda text: text.strip(),
    "upperAscii": lambda text: text.upper(),
    "url": _url,
    "asInteger": lambda value: int(_amount(value)),
}
