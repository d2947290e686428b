"""What a person or a machine sees: the result on stdout, everything else on stderr.

The only module that prints. Findings go to stdout where they are the result (`lint`), as machines
read them from there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from modelmill.diagnostics import Diagnostic

# A count that is over before it can be read is noise.
FEW = 50
FORMATS = ("text", "json", "github", "sarif", "junit")


def result(text: str) -> None:
    """The command's result, and nothing else, on stdout."""
    sys.stdout.write(text)


def say(text: str, end: str = "\n") -> None:
    """A remark for a person, on stderr."""
    sys.stderr.write(text + end)


def findings(diagnostics: Sequence[Diagnostic], texts: Mapping[str, str], format_name: str) -> int:
    """Print findings in a format; the exit status they ask for. Text goes to stderr."""
    stream = sys.stderr if format_name == "text" else sys.stdout
    if not diagnostics and format_name == "text":
        return 0
    from modelmill.diagnostics import has_errors

    stream.write(_rendered(diagnostics, texts, format_name, color=wants_color(stream)))
    return 1 if has_errors(diagnostics) else 0


def said(
    diagnostics: Sequence[Diagnostic], texts: Mapping[str, str], format_name: str
) -> dict[tuple[str, bool], tuple[str, str]]:
    """What `findings` prints: to stdout and to stderr, by format and colour (`quick`)."""
    stream = sys.stderr if format_name == "text" else sys.stdout
    color, text = wants_color(stream), ""
    if diagnostics or format_name != "text":
        text = _rendered(diagnostics, texts, format_name, color=color)
    return {(format_name, color): ("", text) if format_name == "text" else (text, "")}


def _rendered(
    diagnostics: Sequence[Diagnostic], texts: Mapping[str, str], format_name: str, *, color: bool
) -> str:
    from modelmill.diagnostics import tidy
    from modelmill.editing.concealed import secret_places, without_secrets
    from modelmill.reports import render
    from modelmill.secret_scan import shown

    told, quoted = shown(tidy(diagnostics), texts)
    for path in quoted:
        quoted[path] = without_secrets(quoted[path], secret_places(path, texts[path]))
    return render(format_name, told, quoted, color=color)


def wants_color(stream: object) -> bool:
    """Colour for a person at a terminal; NO_COLOR and FORCE_COLOR decide otherwise."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    is_terminal = getattr(stream, "isatty", lambda: False)()
    return bool(is_terminal) and os.environ.get("TERM") != "dumb"


def default_format() -> str:
    """Annotations inside a GitHub workflow, text elsewhere."""
    return "github" if os.environ.get("GITHUB_ACTIONS") == "true" else "text"


class Stop(Exception):
    """Ends the command with a status, when all has been said."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Progress:
    """A line on stderr that counts, for a person only. Silent when nobody watches, or in CI."""

    def __init__(self, doing: str) -> None:
        self.doing = doing
        self.shows = sys.stderr.isatty() and not os.environ.get("CI")

    def __call__(self, done: int, total: int) -> None:
        if self.shows and total >= FEW:
            end = "\r\x1b[K" if done == total else ""
            sys.stderr.write(f"\r{self.doing} {done}/{total}{end}")
            sys.stderr.flush()
