"""What the formats share: the sentences of a diagnostic, and text that is safe to show.

Names, messages and source lines come from files a stranger may have written: an escape sequence in
one of them must not reach a terminal, nor a right-to-left mark disguise what a line says.
"""

from __future__ import annotations

from modelmill.diagnostics import Diagnostic, Note

INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def visible(text: str) -> str:
    """`text` on one line with its control and invisible characters spelled out (`\\x1b`)."""
    return text if text.isprintable() else "".join(map(_visible, text))


def sentences(diagnostic: Diagnostic) -> tuple[str, ...]:
    """Message, hint and notes, one sentence each, for formats that take nothing but prose."""
    hint = (diagnostic.hint,) if diagnostic.hint else ()
    return (diagnostic.message, *hint, *map(note_sentence, diagnostic.notes))


def note_sentence(note: Note) -> str:
    place = f"{note.span}: " if note.span else ""
    return f"{place}note: {note.message}"


def _visible(character: str) -> str:
    if character == "\t":
        return " "
    import unicodedata

    if unicodedata.category(character) in INVISIBLE:
        return character.encode("unicode_escape").decode("ascii")
    return character
