"""The dashboard of a model as Grafana reads it.

In: a variant. Out: JSON, and the name of the file that Grafana's sidecar puts it in. Same panels,
same bytes. Nothing derived has the form `${…}`, which Flux would substitute.

Upstream: Grafana's dashboard JSON model; newer releases migrate older schema versions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from modelmill.containers import Manifest
from modelmill.hashes import sha256
from modelmill.panels import Panel, Query, Row, rows_of
from modelmill.variant import Variant

SCHEMA_VERSION = 41
LONGEST_UID = 40
DATA_SOURCE: Manifest = {"type": "prometheus", "uid": "$datasource"}
PANELS_IN_A_LINE, WIDTH, HEIGHT = 3, 8, 8
IDS_OF_A_ROW = 1000
LINE = 100
# Without a choice of its own it is Grafana's default Prometheus.
VARIABLE: Manifest = {
    "current": {},
    "hide": 0,
    "includeAll": False,
    "label": "Data source",
    "multi": False,
    "name": "datasource",
    "options": [],
    "query": "prometheus",
    "refresh": 1,
    "regex": "",
    "type": "datasource",
}


def file_name(variant: Variant) -> str:
    """Unlike every other of the cluster: the sidecar puts them all into one folder."""
    return f"{_name(variant)}.json"


def dashboard_of(variant: Variant) -> str:
    """The dashboard's JSON."""
    place = f" · {variant.environment}" if variant.environment else ""
    dashboard = {
        "annotations": {"list": []},
        "editable": True,
        "graphTooltip": 1,
        "links": [],
        "panels": list(_laid_out(rows_of(variant))),
        "schemaVersion": SCHEMA_VERSION,
        "tags": ["llm", "modelmill"],
        "templating": {"list": [VARIABLE]},
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "",
        "title": f"{variant.name}{place}",
        "uid": _uid(variant),
    }
    return _written(dashboard) + "\n"


def _name(variant: Variant) -> str:
    return f"{variant.namespace}-{variant.name}" if variant.namespace else variant.name


def _uid(variant: Variant) -> str:
    """What links lead to: the same for as long as the model is in the namespace."""
    name = _name(variant)
    if len(name) <= LONGEST_UID:
        return name
    return f"{name[: LONGEST_UID - 9].rstrip('-')}-{sha256(name)[:8]}"


def _laid_out(rows: Sequence[Row]) -> Iterator[Manifest]:
    """Panels on a grid of 24 columns. The number of their row is in their ids, so that what one
    row has more leaves links to panels of others as they are."""
    top = 0
    for number, row in enumerate(rows, 1):
        shown = [_panel(panel) for panel in row.panels if panel.queries]
        if not shown:
            continue
        first = number * IDS_OF_A_ROW
        heading = {"collapsed": False, "panels": [], "title": row.title, "type": "row"}
        yield {**heading, "id": first, "gridPos": {"h": 1, "w": 24, "x": 0, "y": top}}
        top += 1
        for index, panel in enumerate(shown):
            line, column = divmod(index, PANELS_IN_A_LINE)
            at = {"h": HEIGHT, "w": WIDTH, "x": column * WIDTH, "y": top + line * HEIGHT}
            yield {**panel, "id": first + index + 1, "gridPos": at}
        top += -(-len(shown) // PANELS_IN_A_LINE) * HEIGHT


def _panel(panel: Panel) -> Manifest:
    # A table shows one query unless they are merged.
    merged: Manifest = {"transformations": [{"id": "merge", "options": {}}]}
    return {
        **(merged if panel.is_table else {}),
        "datasource": DATA_SOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "options": {} if panel.is_table else {"tooltip": {"mode": "multi", "sort": "desc"}},
        "targets": [_target(panel, f"Q{n}", query) for n, query in enumerate(panel.queries, 1)],
        "title": panel.title,
        "type": "table" if panel.is_table else "timeseries",
    }


def _target(panel: Panel, ref: str, query: Query) -> Manifest:
    now = {"format": "table", "instant": True} if panel.is_table else {}
    return {"expr": query.expr, "legendFormat": query.legend or "__auto", "refId": ref, **now}


def _written(value: Any, pad: str = "") -> str:
    """JSON in lines, for who reviews it: what fits into one is not broken up."""
    flat = json.dumps(value, ensure_ascii=False, sort_keys=True)
    if not isinstance(value, dict | list) or len(pad) + len(flat) <= LINE:
        return flat
    deeper = f"{pad} "
    if isinstance(value, list):
        return _broken("[", [_written(each, deeper) for each in value], "]", pad)
    entries = [
        f"{json.dumps(key)}: {_written(each, deeper)}" for key, each in sorted(value.items())
    ]
    return _broken("{", entries, "}", pad)


def _broken(opening: str, entries: Sequence[str], closing: str, pad: str) -> str:
    inside = f",\n{pad} ".join(entries)
    return f"{opening}\n{pad} {inside}\n{pad}{closing}"
