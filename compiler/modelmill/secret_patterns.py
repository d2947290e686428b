"""How secrets look: tokens that say whose they are, and random text under the name of a secret.

In: any text. Out: the parts of it that are secrets' values, and the same text without them. Never:
a place in a file, or a judgement of what a name alone says (`redaction`).

Source: the forms that issuers publish for scanners (docs.github.com secret scanning patterns;
gitleaks config/gitleaks.toml).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from math import log2

from modelmill.regexes import regex
from modelmill.tuples import NamedTuple


class Pattern(NamedTuple):
    """A form whose texts hold one of `marks`, and `also`. Its group `value` is the secret, or all
    of it."""

    what: str
    marks: tuple[str, ...]
    form: str
    also: str = ""


class Secret(NamedTuple):
    """text[start:end], and what it is."""

    start: int
    end: int
    what: str


KEY_BODY = r"(?:[\s|>\\nr]*[A-Za-z0-9+/=]{16,})+"
GITLAB = ("pat", "dt", "ptt", "rt", "cbt", "ft", "soat", "imt", "agent")
PATTERNS = (
    Pattern("a GitHub token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_\w{36,251}"),
    Pattern("a GitHub token", ("github_pat_",), r"github_pat_\w{70,90}"),
    Pattern(
        "a GitLab token",
        tuple(f"gl{kind}-" for kind in GITLAB),
        rf"gl(?:{'|'.join(GITLAB)})-[\w-]{{20,}}",
    ),
    Pattern("a Hugging Face token", ("hf_", "api_org_"), r"(?:hf|api_org)_[A-Za-z0-9]{30,}"),
    Pattern("an Anthropic key", ("sk-ant-",), r"sk-ant-[a-z]{3,8}[0-9]{2}-[\w-]{20,}"),
    Pattern(
        "an OpenAI key", ("sk-",), r"sk-(?:(?:proj|svcacct|admin)-[\w-]{20,}|[A-Za-z0-9]{40,})"
    ),
    Pattern("an OpenRouter key", ("sk-or-",), r"sk-or-v1-[0-9a-f]{64}"),
    Pattern("an AWS key", ("AKIA", "ASIA", "ABIA", "ACCA"), r"A(?:KI|SI|BI|CC)A[A-Z2-7]{16}\b"),
    Pattern("a Google API key", ("AIza",), r"AIza[\w-]{35}"),
    Pattern("a Google access token", ("ya29.",), r"ya29\.[\w-]{20,}"),
    Pattern(
        "a key of an Azure account",
        ("AccountKey=", "SharedAccessKey="),
        r"(?:Account|SharedAccess)Key=(?P<value>[A-Za-z0-9+/]{40,}={0,2})",
    ),
    Pattern("an Azure client secret", ("Q~",), r"[\w~.]{3}[0-9]Q~[\w~.-]{31,34}"),
    Pattern("a Slack token", ("xox", "xapp-"), r"(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,}"),
    Pattern(
        "a Slack webhook",
        ("hooks.slack.com",),
        r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<value>[\w/+-]{20,})",
    ),
    Pattern("an npm token", ("npm_",), r"npm_[A-Za-z0-9]{36}"),
    Pattern("a PyPI token", ("pypi-AgE",), r"pypi-AgE[\w-]{50,}"),
    Pattern("a Docker Hub token", ("dckr_",), r"dckr_[op]at_[\w-]{24,}"),
    Pattern("an NGC key", ("nvapi-",), r"nvapi-[\w-]{40,}"),
    Pattern("a Groq key", ("gsk_",), r"gsk_[A-Za-z0-9]{40,}"),
    Pattern("a Replicate token", ("r8_",), r"r8_[A-Za-z0-9]{37}"),
    Pattern("a Databricks token", ("dapi",), r"dapi[0-9a-f]{32}(?:-[0-9])?"),
    Pattern("a LangSmith key", ("lsv2_",), r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    Pattern("a Vault token", ("hvs.", "hvb."), r"hv[bs]\.[\w-]{24,}"),
    Pattern("a Grafana token", ("glsa_", "glc_"), r"gl(?:sa|c)_[A-Za-z0-9+/=_]{32,}"),
    Pattern("a DigitalOcean token", ("_v1_",), r"do[opr]_v1_[0-9a-f]{64}"),
    Pattern("a Stripe key", ("k_live_",), r"[rs]k_live_[A-Za-z0-9]{20,}"),
    Pattern("a SendGrid key", ("SG.",), r"SG\.[\w-]{16,24}\.[\w-]{40,46}"),
    Pattern("an age key", ("AGE-SECRET-KEY-",), r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    Pattern("a JSON web token", ("eyJ",), r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{16,}"),
    Pattern(
        "a private key",
        ("PRIVATE KEY",),
        rf"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?P<value>{KEY_BODY})",
    ),
    Pattern(
        "a password in an address",
        ("://",),
        r"[a-z][a-z0-9+.-]*://[^\s/:@\"'`$<>{}()*]*:(?P<value>[^\s/:@\"'`$<>{}()*]{3,})@[\w.-]",
        also="@",
    ),
    Pattern(
        "a registry's password",
        ('auth"', 'auth\\"'),
        r"auth\\?\"\s*:\s*\\?\"(?P<value>[A-Za-z0-9+/]{12,}={0,2})",
    ),
)
# Most files hold hardly a mark: that is asked first, without a step of Python between two marks.
_MARKED = tuple((mark, pattern) for pattern in PATTERNS for mark in pattern.marks)
PLACEHOLDERS = ("example", "placeholder", "changeme", "change-me", "your", "password", "redacted")
FEWEST_LETTERS = 8
"""Of a token. One of fewer different characters stands for one: hf_xxxxxxxx."""

# Keys that end like this hold a secret itself; `secretName`, `tokenizer`, `maxTokens` do not.
_named = regex(
    r"""(?:passw(?:or)?d|passphrase|secret|token|(?:api|access|private|secret|encryption)[_-]?key
        |credentials?)\\?["']?(?:\s*[:=]\s*|\s*,\s*\\?["']?value\\?["']?\s*:\s*|[^\S\n]*+\n\s*+value\s*:\s*
        |[^\S\n]*+\n\s*+-\s++|["',\s]{1,4}(?=["'\w]))
        (?:\\?["'])?(?P<value>[A-Za-z0-9+/=_~.-]{16,})""",
    re.IGNORECASE | re.VERBOSE,
)
NOUNS = (
    "passw", "passphrase", "secret", "token", "credential", "apik", "api_k", "api-k", "accessk",
    "access_k", "access-k", "privatek", "private_k", "private-k", "encryptionk", "encryption_k",
    "encryption-k",
)  # fmt: skip
"""How what `_named` matches begins, in lower case."""
LONG_S = "\u017f"
"""What it takes for an `s`, and is none in lower case."""
_parts = regex(r"[A-Za-z0-9+]+")
SHORTEST_RANDOM = 16
LEAST_ENTROPY = 3.3
"""Bits a character of random text of that length; words and names have less, or no digits."""
RANDOM = "what looks like a secret"


def secrets_in(text: str) -> Iterator[Secret]:
    """Every secret in a text, none twice, in order."""
    end = 0
    for each in sorted([*_tokens(text), *_random(text)], key=_order):
        if each.start >= end:
            yield each
            end = each.end


def _order(secret: Secret) -> tuple[int, int, bool]:
    """At one place the longest first, and before what is only random what says whose it is."""
    return secret.start, -secret.end, secret.what == RANDOM


def masked(text: str) -> str:
    """The text with `*` for every character of a secret; lines stay where they are."""
    for each in secrets_in(text):
        text = text[: each.start] + starred(text[each.start : each.end]) + text[each.end :]
    return text


def starred(text: str) -> str:
    return re.sub(r"\S", "*", text)


def is_random(value: str) -> bool:
    """Whether a value is made by a machine, to be known to nobody: no name, path or address."""
    if len(value) < SHORTEST_RANDOM or _is_placeholder(value):
        return False
    return any(_is_mixed(part) for part in _parts.findall(value))


def _tokens(text: str) -> Iterator[Secret]:
    marked = [pattern for mark, pattern in _MARKED if mark in text and pattern.also in text]
    for pattern in dict.fromkeys(marked):
        for found in _compiled(pattern.form).finditer(text):
            group = "value" if "value" in found.re.groupindex else 0
            start, end = found.span(group)
            if not _is_example(pattern, text[start:end]):
                yield Secret(start, end, pattern.what)


@cache
def _compiled(form: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9]){form}")


def _is_example(pattern: Pattern, value: str) -> bool:
    if "(?P<value>" in pattern.form and "://" in pattern.marks:
        return _is_placeholder(value) or value.lower() in ("pass", "secret", "token", "xxx")
    return _is_placeholder(value) or len(set(value)) < FEWEST_LETTERS


def _random(text: str) -> Iterator[Secret]:
    for found in _values_named(text):
        if is_random(found["value"]):
            yield Secret(*found.span("value"), RANDOM)


def _values_named(text: str) -> Iterator[re.Match[str]]:
    """What `_named.finditer` finds, which is asked only where a noun begins: it takes a twentieth
    of the time."""
    lowered = text.lower()
    if len(lowered) != len(text) or LONG_S in text:
        yield from _named.finditer(text)
        return
    nouns = [noun for noun in NOUNS if noun in lowered]
    end = 0
    for start in sorted({place for noun in nouns for place in _places(lowered, noun)}):
        found = _named.match(text, start) if start >= end else None
        if found is not None:
            end = found.end()
            yield found


def _places(text: str, word: str) -> Iterator[int]:
    place = text.find(word)
    while place >= 0:
        yield place
        place = text.find(word, place + 1)


def _is_placeholder(value: str) -> bool:
    lowered = value.lower()
    return any(word in lowered for word in PLACEHOLDERS)


def _is_mixed(part: str) -> bool:
    """A run of letters and digits that is no word with a number at its end."""
    if len(part) < SHORTEST_RANDOM:
        return False
    has_both = any(map(str.isdigit, part)) and any(map(str.isalpha, part))
    turns = len(re.findall(r"[0-9](?=[A-Za-z])|[A-Za-z](?=[0-9])|[a-z](?=[A-Z])", part))
    return has_both and turns >= 4 and entropy(part) >= LEAST_ENTROPY


def entropy(text: str) -> float:
    """Shannon's, in bits a character."""
    counts = Counter(text).values()
    return -sum(count / len(text) * log2(count / len(text)) for count in counts)
