"""Sprig's strings: https://masterminds.github.io/sprig/strings.html.

In: strings, which Go counts in bytes. Out: strings and lists of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelmill.importers.gotemplate.faults import Fault
from modelmill.importers.gotemplate.limits import check_size
from modelmill.importers.gotemplate.printing import printed, quoted
from modelmill.importers.gotemplate.signatures import Function, function
from modelmill.importers.gotemplate.values import StringMap, Strings, decoded, encoded
from modelmill.regexes import regex

# unicode.IsSpace: str.strip() also takes the four separators of ASCII.
_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_strip = regex(rf"\A[{_SPACE}]+|[{_SPACE}]+\Z")
_spaces = regex(rf"[{_SPACE}]")
_word_start = regex(rf"(?:\A|(?<=[{_SPACE}]))[^{_SPACE}]")


def trim(text: str) -> str:
    return _strip.sub("", text)


def strings_of(value: Any) -> Strings:
    """A list's items as strings, without nil; of anything else, itself."""
    if value is None:
        return Strings()
    if isinstance(value, list):
        return Strings(printed(each) for each in value if each is not None)
    return Strings([printed(value)])


def _truncated(count: int, text: str) -> str:
    """The first bytes; the last with a negative count."""
    data = encoded(text)
    if count < 0:
        return decoded(data[count:]) if len(data) + count > 0 else text
    return decoded(data[:count])


def _substring(start: int, end: int, text: str) -> str:
    data = encoded(text)
    if start < 0:
        start, last = 0, end
    else:
        last = len(data) if end < 0 or end > len(data) else end
    if not 0 <= start <= last <= len(data):
        raise Fault(f"there are no bytes {start} to {last} of {len(data)}")
    return decoded(data[start:last])


def _repeated(count: int, text: str) -> str:
    if count < 0:
        raise Fault("a count is 0 or more")
    check_size(count * len(text))
    return text * count


def indented(spaces: int, text: str) -> str:
    if spaces < 0:
        raise Fault("a count of blanks is 0 or more")
    check_size(len(text) + spaces * (text.count("\n") + 1))
    pad = " " * spaces
    return pad + text.replace("\n", "\n" + pad)


def _replaced(old: str, new: str, text: str) -> str:
    times = text.count(old)
    check_size(len(text) + times * max(0, len(new) - len(old)))
    return text.replace(old, new)


def joined(separator: str, value: Any) -> str:
    texts = strings_of(value)
    check_size(len(separator) * len(texts))
    return separator.join(texts)


def split(separator: str, text: str) -> list[str]:
    """strings.Split: without a separator, into characters."""
    return text.split(separator) if separator else list(text)


def _split_to_map(separator: str, text: str) -> StringMap:
    return StringMap({f"_{place}": each for place, each in enumerate(split(separator, text))})


def _splitn(separator: str, count: int, text: str) -> StringMap:
    """At most `count` pieces; all of them with a negative count."""
    if count == 0:
        return StringMap()
    if not separator:
        pieces = list(text)
        if 0 < count < len(pieces):
            pieces = [*pieces[: count - 1], "".join(pieces[count - 1 :])]
    else:
        pieces = text.split(separator, count - 1 if count > 0 else -1)
    return StringMap({f"_{place}": each for place, each in enumerate(pieces)})


def _quoted_all(*values: Any) -> str:
    return " ".join(quoted(printed(each)) for each in values if each is not None)


def _single_quoted(*values: Any) -> str:
    return " ".join(f"'{printed(each)}'" for each in values if each is not None)


def _cat(*values: Any) -> str:
    return " ".join(printed(each) for each in values if each is not None)


def _abbreviated(width: int, text: str) -> str:
    """Cut to the width, which includes the dots."""
    return _abbreviated_both(0, width, text) if width >= 4 else text


def _abbreviated_both(left: int, right: int, text: str) -> str:
    if right < 4 or (left > 0 and right < 7):
        return text
    data = encoded(text)
    size = len(data)
    if size <= right:
        return text
    left = min(left, size)
    if size - left < right - 3:
        left = size - (right - 3)
    if left <= 4:
        return decoded(data[: right - 3]) + "..."
    if left + right - 3 < size:
        return "..." + _abbreviated(right - 3, decoded(data[left:]))
    return "..." + decoded(data[size - (right - 3) :])


def _initials(text: str) -> str:
    return "".join(_word_start.findall(text))


def _wrapped(width: int, text: str) -> str:
    return _wrap(width, "\n", text, breaks=False)


def _wrapped_with(width: int, separator: str, text: str) -> str:
    return _wrap(width, separator or "\n", text, breaks=True)


def _wrap(width: int, separator: str, text: str, *, breaks: bool) -> str:
    """Lines of at most `width` bytes, parted at blanks; longer words are kept or broken."""
    data = encoded(text)
    width = max(width, 1)
    lines: list[bytes] = []
    offset = 0
    while len(data) - offset > width:
        if data[offset] == 0x20:
            offset += 1
            continue
        blank = data.rfind(b" ", offset, offset + width + 1)
        if blank < 0 and not breaks:
            blank = data.find(b" ", offset + width)
            if blank < 0:
                break
        end = offset + width if blank < 0 else blank
        lines.append(data[offset:end])
        offset = end + (blank >= 0)
    check_size(len(data) + len(separator) * len(lines))
    return separator.join([*map(decoded, lines), decoded(data[offset:])])


FUNCTIONS: Mapping[str, Function] = {
    "abbrev": function("int string", _abbreviated),
    "abbrevboth": function("int int string", _abbreviated_both),
    "cat": function("any...", _cat),
    "contains": function("string string", lambda part, text: part in text),
    "hasPrefix": function("string string", lambda part, text: text.startswith(part)),
    "hasSuffix": function("string string", lambda part, text: text.endswith(part)),
    "hello": function("", lambda: "Hello!"),
    "indent": function("int string", indented),
    "initials": function("string", _initials),
    "join": function("string any", joined),
    "nindent": function("int string", lambda spaces, text: "\n" + indented(spaces, text)),
    "nospace": function("string", lambda text: _spaces.sub("", text)),
    "plural": function("string string int", lambda one, many, n: one if n == 1 else many),
    "quote": function("any...", _quoted_all),
    "repeat": function("int string", _repeated),
    "replace": function("string string string", _replaced),
    "split": function("string string", _split_to_map),
    "splitList": function("string string", lambda by, text: Strings(split(by, text))),
    "splitn": function("string int string", _splitn),
    "squote": function("any...", _single_quoted),
    "substr": function("int int string", _substring),
    "toString": function("any", printed),
    "toStrings": function("any", strings_of),
    "trim": function("string", trim),
    "trimAll": function("string string", lambda chars, text: text.strip(chars) if chars else text),
    "trimall": function("string string", lambda chars, text: text.strip(chars) if chars else text),
    "trimPrefix": function("string string", lambda part, text: text.removeprefix(part)),
    "trimSuffix": function("string string", lambda part, text: text.removesuffix(part)),
    "trunc": function("int string", _truncated),
    "wrap": function("int string", _wrapped),
    "wrapWith": function("int string string", _wrapped_with),
}
