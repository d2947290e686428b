"""Upper and lower case: https://masterminds.github.io/sprig/strings.html and, for words,
https://pkg.go.dev/github.com/huandu/xstrings.

In: a string. Out: a string. Go maps character by character: `ß` stays as it is in upper case.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Callable, Iterator, Mapping

from modelmill.importers.gotemplate.signatures import Function, function
from modelmill.regexes import regex

_connectors = regex(r"[-_\s]")
_ideograph = regex("[\u3400-\u4d85\u4e00-\u9fcc\U00020000-\U0002b81d]")


def upper(text: str) -> str:
    return text.upper() if text.isascii() else "".join(map(_upper, text))


def lower(text: str) -> str:
    return text.lower() if text.isascii() else "".join(map(_lower, text))


def _upper(char: str) -> str:
    return char.upper() if len(char.upper()) == 1 else char


def _lower(char: str) -> str:
    # Only the dotted capital I has two characters in lower case; Go takes the first.
    return char.lower()[0]


def _title_char(char: str) -> str:
    return char.title() if len(char.title()) == 1 else char


def _title(text: str) -> str:
    """The first letter of each word: what follows no letter, digit or underscore."""
    return "".join(
        _title_char(char) if _parts_words(before) else char
        for before, char in itertools.pairwise(" " + text)
    )


def _parts_words(char: str) -> bool:
    if char.isascii():
        return not (char.isalnum() or char == "_")
    return not (char.isalpha() or char.isdecimal()) and char.isspace()


def _untitle(text: str) -> str:
    return "".join(
        _lower(char) if before.isspace() and not char.isspace() else char
        for before, char in itertools.pairwise(" " + text)
    )


def _swapped(text: str) -> str:
    """Each letter in the other case; a small one that begins a word in title case."""
    result = []
    begins = True
    for char in text:
        if char.isupper() or char.istitle():
            result.append(_lower(char))
            begins = False
        elif char.islower():
            result.append(_title_char(char) if begins else _upper(char))
            begins = False
        else:
            result.append(char)
            begins = char.isspace()
    return "".join(result)


def _camel(text: str) -> str:
    """Words without what connects them, each with a capital; only the first of a run of connectors
    goes, and a word in capitals keeps just one."""
    start = next((i for i, char in enumerate(text) if not _connectors.match(char)), len(text))
    if start == len(text):
        # Nothing but connectors, of which xstrings writes the last one twice.
        return text + text[-1:]
    pieces = [text[:start]]
    capitals = text[start].isupper()
    last = _upper(text[start])
    for char in text[start + 1 :]:
        after = _connectors.match(last)
        if after and _connectors.match(char):
            pieces.append(last)
        elif after:
            capitals, char = char.isupper(), _upper(char)
        else:
            if capitals:
                capitals = char.isupper()
                char = _lower(char)
            pieces.append(last)
        last = char
    return "".join([*pieces, last])


def _kind(char: str) -> str:
    if _connectors.match(char):
        return "connector"
    category = unicodedata.category(char)
    if category[0] == "P":
        return "punctuation"
    if category == "Lu":
        return "upper"
    if category[0] == "L":
        # An ideograph is a word, not a letter of one.
        return "other" if _ideograph.match(char) else "letter"
    return "number" if category[0] == "N" else "other"


def _words(text: str) -> Iterator[tuple[str, str]]:
    """Runs of one kind; a capital with the small letters after it, and of several only the last."""
    position = 0
    kinds = [_kind(char) for char in text]
    while position < len(text):
        kind = kinds[position]
        end = position + 1
        if kind == "upper":
            while end < len(text) and kinds[end] == "upper":
                end += 1
            small = end < len(text) and kinds[end] == "letter"
            if small and end - position > 1:
                end -= 1
            elif small:
                kind = "upper"
                while end < len(text) and kinds[end] == "letter":
                    end += 1
        else:
            while end < len(text) and kinds[end] == kind:
                end += 1
        yield kind, text[position:end]
        position = end


def _separated(connector: str) -> Callable[[str], str]:
    """Words in lower case with a connector between them, as snake case and kebab case have it."""

    def separate(text: str) -> str:
        return _Separation(connector, text).run()

    return separate


class _Separation:
    """A number belongs to the letters after it (`http_2xx`), else to the word before (`bld4`)."""

    def __init__(self, connector: str, text: str) -> None:
        self.connector = connector
        self.words = _words(text)
        self.written: list[str] = []

    def run(self) -> str:
        kind, word = self._next()
        while True:
            before, last = kind, word
            if before != "connector":
                self._write(kind, word)
            kind, word = self._next()
            if not kind:
                if before == "connector":
                    self._write(before, last)
                break
            kind, word = self._between(before, last, kind, word)
            if not kind:
                break
        return "".join(self.written)

    def _next(self) -> tuple[str, str]:
        return next(self.words, ("", ""))

    def _write(self, kind: str, word: str) -> None:
        self.written.append(self.connector * len(word) if kind == "connector" else lower(word))

    def _connect(self, kind: str) -> None:
        if kind not in ("", "connector", "punctuation"):
            self.written.append(self.connector)

    def _letters(self, kind: str, word: str) -> tuple[str, str]:
        while kind in ("letter", "number"):
            self._write(kind, word)
            kind, word = self._next()
        self._connect(kind)
        return kind, word

    def _between(self, before: str, last: str, kind: str, word: str) -> tuple[str, str]:
        """What is written after a word and before the next, which is returned."""
        if before == "number":
            return self._letters(kind, word)
        if before == "connector":
            self._write(before, last)
        elif before != "punctuation" and kind != "number":
            self._connect(kind)
        elif before != "punctuation":
            number = word
            kind, word = self._next()
            if not kind:
                self._write("number", number)
            elif kind == "letter":
                self.written.append(self.connector)
                self._write("number", number)
                return self._letters(kind, word)
            else:
                self._write("number", number)
                self._connect(kind)
        return kind, word


FUNCTIONS: Mapping[str, Function] = {
    "camelcase": function("string", _camel),
    "kebabcase": function("string", _separated("-")),
    "lower": function("string", lower),
    "snakecase": function("string", _separated("_")),
    "swapcase": function("string", _swapped),
    "title": function("string", _title),
    "untitle": function("string", _untitle),
    "upper": function("string", upper),
}
