"""One answer of a server, within bounds of time, size and trust.

In: a request. Out: status, headers and body; or a LookupFault that says why there is none, without
a word of what was sent. Only `modelmill lock` asks anybody anything.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from functools import cache
from http.client import HTTPException
from typing import IO, Any
from urllib.parse import urlsplit

from modelmill.tuples import NamedTuple

MAX_BYTES = 8 << 20
SECONDS = 20.0
"""The most a server may take, from asking to the last byte."""
TRIES = 3
PAUSE_SECONDS = 0.5
LONGEST_PAUSE = 5.0
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_BUSY = frozenset({429, 500, 502, 503, 504})
_CHUNK = 1 << 16


class LookupFault(Exception):
    """Why something cannot be looked up; `hint` says what would help."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Answer(NamedTuple):
    """What a server said."""

    status: int
    headers: Message
    body: bytes


def ask(
    url: str,
    headers: Mapping[str, str],
    *,
    method: str = "GET",
    data: bytes | None = None,
    authorization: str = "",
    seconds: float = SECONDS,
) -> Answer:
    """The answer, of whatever status; asked for again where the server is busy or not there. The
    authorization goes to this server only, wherever it leads."""
    host = checked_host(url)
    for attempt in range(1, TRIES + 1):
        request = urllib.request.Request(url, data, dict(headers), method=method)
        if authorization:
            request.add_unredirected_header("Authorization", authorization)
        try:
            answer = _once(request, seconds)
        except (OSError, HTTPException, ValueError) as fault:
            if attempt == TRIES or _is_final(fault):
                raise LookupFault(f"{host} did not answer: {_reason(fault)}") from None
            time.sleep(PAUSE_SECONDS * attempt)
            continue
        if answer.status not in _BUSY or attempt == TRIES:
            return answer
        time.sleep(_pause(answer.headers.get("Retry-After"), attempt))
    raise AssertionError


def checked_host(url: str) -> str:
    """The host of a URL; it must be https, or on this machine."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOCAL):
        raise LookupFault(f"{parts.netloc or url} is not asked without https")
    if "@" in parts.netloc:
        raise LookupFault("an address with a password in it is not used")
    return parts.netloc


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to https only, and takes the authorization along on the same server only."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Any,
        newurl: str,
    ) -> urllib.request.Request | None:
        checked_host(newurl)
        further = super().redirect_request(req, fp, code, msg, headers, newurl)
        if further is None:
            return None
        if req.get_method() == "HEAD":
            further.method = "HEAD"
        sent = req.unredirected_hdrs.get("Authorization")
        before, after = urlsplit(req.full_url), urlsplit(newurl)
        if sent and (before.scheme, before.netloc) == (after.scheme, after.netloc):
            further.add_unredirected_header("Authorization", sent)
        return further


@cache
def _opener(*, is_local: bool) -> urllib.request.OpenerDirector:
    """For http and https alone, with the proxies of the environment; as in Go's net/http, what is
    on this machine is asked without."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler({} if is_local else None),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener


def _once(request: urllib.request.Request, seconds: float) -> Answer:
    until = time.monotonic() + seconds
    try:
        is_local = urlsplit(request.full_url).hostname in LOCAL
        response = _opener(is_local=is_local).open(request, timeout=seconds)
    except urllib.error.HTTPError as refusal:
        response = refusal
    with response:
        return Answer(response.status, response.headers, _body(response, until))


def _body(response: Any, until: float) -> bytes:
    """All of it; a server that drips or floods is left."""
    parts: list[bytes] = []
    size = 0
    while True:
        part = response.read1(_CHUNK)
        if not part:
            return b"".join(parts)
        size += len(part)
        parts.append(part)
        if size > MAX_BYTES:
            raise LookupFault(f"the answer is larger than {MAX_BYTES >> 20} MiB")
        if time.monotonic() > until:
            raise TimeoutError("it took too long")


def _is_final(fault: Exception) -> bool:
    """Whether asking again would change nothing, or take as long again."""
    inner = getattr(fault, "reason", fault)
    return isinstance(inner, ValueError | TimeoutError) or "CERTIFICATE" in str(inner)


def _reason(fault: Exception) -> str:
    inner = getattr(fault, "reason", None) or fault
    if isinstance(inner, TimeoutError):
        return "it took too long"
    return str(getattr(inner, "strerror", None) or inner or type(inner).__name__).lower()


def _pause(asked: str | None, attempt: int) -> float:
    wanted = float(asked) if asked and asked.isdigit() else PAUSE_SECONDS * attempt
    return min(wanted, LONGEST_PAUSE)
