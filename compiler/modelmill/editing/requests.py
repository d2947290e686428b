"""What a person asks for on a command line, as data.

In: `path=value`, and the shape of the document it is for. Out: segments and plain data. A value is
read as YAML where it can only be that; what YAML readers disagree on is text, as is whatever the
field takes as text alone. Raises ValueError with a message for the user.
"""

from __future__ import annotations

import re
from typing import Any

from modelmill.diagnostics import CompileError, cut
from modelmill.dotted import parse_path
from modelmill.editing.spelling import inline
from modelmill.editing.spots import Path
from modelmill.editing.values import written_values
from modelmill.regexes import regex
from modelmill.secret_patterns import masked
from modelmill.shapes import AnyShape, ListShape, Problems, Shape
from modelmill.syntax import parse_any
from modelmill.tree import plant
from modelmill.yaml_words import WORDS

_assignment = regex(r'((?:\["[^"]*"\]|[^=])*+)=(.*)', re.DOTALL)
WRITTEN_OUT = ("{", "[", '"', "'")
"""How a value begins that is YAML beyond a single word."""


def assignment(text: str) -> tuple[Path, str]:
    """`roles.decode.replicas=4` as its path and the value's text."""
    found = _assignment.fullmatch(text)
    if found is None or not found[1]:
        raise ValueError(
            f"`{cut(masked(text))}` is not path=value, such as roles.decode.replicas=4"
        )
    return path_of(found[1]), found[2]


def path_of(text: str) -> Path:
    path = parse_path(text)
    if path is None:
        told = cut(masked(text))
        raise ValueError(
            f'`{told}` is not a path; write roles.decode.replicas or a["b.c"], and put what '
            "has brackets into single quotes for the shell"
        )
    return path


def value_of(text: str, path: str, shape: Shape | None) -> Any:
    """The value that a text stands for in a field."""
    if not text:
        raise ValueError(f"`{path}=` says nothing: write {path}='\"\"' for an empty string")
    value = _read(text, path)
    try:
        parse_any("value", inline([value]).encode())
    except (CompileError, ValueError):
        raise ValueError(
            f"the value of `{path}` holds characters that YAML does not allow"
        ) from None
    is_word = isinstance(value, bool | int | float)
    if shape is None or not is_word or not _takes(shape, text):
        return value
    # What takes both, but not any flag, keeps the spelling: 0x1F is no 31 to a program.
    is_spelt = not isinstance(shape, AnyShape) and inline(value) != text
    return text if is_spelt or not _takes(shape, value) else value


def shape_at(shape: Shape | None, path: Path) -> Shape | None:
    """The shape of what stands at a path; None where that is free, or nothing known."""
    for segment in path:
        if shape is None:
            return None
        shape = shape.item if isinstance(shape, ListShape) else shape.child(str(segment))
    return shape


def _read(text: str, path: str) -> Any:
    if text in WORDS:
        return WORDS[text]
    try:
        node = parse_any("value", text.encode())
    except CompileError as fault:
        if text.startswith(WRITTEN_OUT):
            reason = fault.diagnostics[0].message
            raise ValueError(f"the value of `{path}` is not YAML: {reason}") from None
        return text
    except UnicodeEncodeError:
        return text
    # A scalar that is less than the text has lost a comment, or the ends of lines.
    is_whole = node.place[1:] == (1, 1, len(text))
    return written_values(node) if text.startswith(WRITTEN_OUT) or is_whole else text


def _takes(shape: Shape, value: Any) -> bool:
    problems = Problems(partial=True)
    shape.decode(plant(value, ("value", 1, 1, 1)), problems)
    return not problems.found
