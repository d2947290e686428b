"""Which texts an API server takes for a format.

In: the name of a format and a text. Out: what is wrong, or "". Formats it does not know it does not
judge (k8s.io/kube-openapi pkg/validation/strfmt, and resource.Quantity).
"""

from __future__ import annotations

import binascii
import ipaddress
from base64 import b64decode
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime
from typing import Any
from uuid import UUID

from modelmill.gotypes.quantities import canonical
from modelmill.regexes import regex

_is_duration = regex(
    r"(([0-9]+(\.[0-9]*)?|\.[0-9]+)\s*(ns|us|µs|μs|ms|s|m|h|d|w)\s*)+"
    r"|[0-9]+\s*(nanosecond|microsecond|millisecond|second|minute|hour|day|week)s?|0"
)
_is_time = regex(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)?")


def is_integer(value: Any) -> bool:
    """Whether a number is whole: JSON knows no other integers."""
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


def fault_of_format(name: str, text: str) -> str:
    """What keeps a text from having a format; "" where nothing does."""
    known = FORMATS.get(name)
    if known is None:
        return ""
    what, reads = known
    with suppress(ValueError, OverflowError):
        if reads(text):
            return ""
    return f"which is no {what}"


def _is_base64(text: str) -> bool:
    with suppress(binascii.Error):
        b64decode(text, validate=True)
        return True
    return False


def _is_date_time(text: str) -> bool:
    if not _is_time.fullmatch(text):
        return False
    datetime.fromisoformat(f"{text[:10]}T{text[11:19]}")
    return True


FORMATS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "byte": ("base64", _is_base64),
    "cidr": ("range of addresses, such as 10.0.0.0/8", lambda text: "/" in text and _network(text)),
    "date": ("date, such as 2026-01-31", date.fromisoformat),
    "date-time": ("time, such as 2026-01-31T12:00:00Z", _is_date_time),
    "duration": ("duration, such as 30s", lambda text: _is_duration.fullmatch(text)),
    "ipv4": ("IPv4 address", ipaddress.IPv4Address),
    "ipv6": ("IPv6 address", ipaddress.IPv6Address),
    "quantity": ("amount, such as 500m or 16Gi", lambda text: canonical(text) is not None),
    "uuid": ("UUID", UUID),
}


def _network(text: str) -> Any:
    return ipaddress.ip_network(text, strict=False)
