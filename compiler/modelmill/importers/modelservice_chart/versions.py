"""Chart versions, and the generation of rules that each follows.

In: a version. Out: a generation. The gateway's objects left the chart with v0.3.0
(llm-d-incubation/llm-d-modelservice#145, the release after v0.2.16).
"""

from __future__ import annotations

from modelmill.diagnostics import Diagnostic, Span, error, warning
from modelmill.importers.modelservice_chart.defaults import CURRENT, FORMER
from modelmill.regexes import regex

_version = regex(r"v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?(?:[-+].*)?\Z")
FIRST_CURRENT = (0, 3, 0)


def generation(
    chart_version: str, span: Span | None = None
) -> tuple[str | None, tuple[Diagnostic, ...]]:
    """The generation of a chart version, None where it is no version; and what to say of it."""
    match = _version.match(chart_version.strip())
    if not match:
        message = f"`{chart_version}` is no version of the chart"
        return None, (error("I804", message, span, f"write it like {CURRENT} or {FORMER}"),)
    asked = tuple(int(part or 0) for part in match.groups())
    chosen = FORMER if asked < FIRST_CURRENT else CURRENT
    if asked == tuple(int(part) for part in chosen[1:].split(".")):
        return chosen, ()
    message = f"chart {chart_version} is read by the rules of {chosen}, the nearest known here"
    hint = "compare the result with `helm get manifest` before you adopt it"
    return chosen, (warning("I819", message, span, hint),)
