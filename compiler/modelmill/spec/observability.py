"""What is watched of a model: monitors of Services, alerts, a dashboard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from modelmill.formats import (
    DnsLabel,
    Duration,
    LabelValue,
    MetricLabel,
    Number,
    QualifiedName,
)
from modelmill.record import EMPTY, Record, field
from modelmill.shapes import FreeMapping
from modelmill.spec.autoscaling import Signal


class ServiceMonitor(Record):
    """Scraping of a Service's pods by the Prometheus operator. Beside a `podMonitor` of the same
    pods every series would be there twice."""

    noun = "serviceMonitor"

    interval: Duration = field("Time between scrapes.", default="30s")
    scrape_timeout: Duration | None = field("Time until a scrape fails.", default=None)
    path: str | None = field("Metrics path; the pods' own unless given.", default=None)
    labels: Mapping[QualifiedName, LabelValue] = field(
        "Labels a Prometheus selects monitors by.", default=EMPTY
    )
    annotations: Mapping[QualifiedName, str] = field("Annotations of the monitor.", default=EMPTY)
    relabelings: tuple[FreeMapping, ...] = field(
        "Relabelling of targets before the scrape.", default=()
    )
    metric_relabelings: tuple[FreeMapping, ...] = field(
        "Relabelling of samples after the scrape.", default=()
    )
    fields: FreeMapping | None = field(
        "Further fields of the ServiceMonitor's spec, as its CRD spells them.", default=None
    )


AlertSignal = Literal[Signal, "error-ratio", "pods-not-ready", "restarts", "picker-down"]
"""What an alert can look at: see `promql` for what each means."""


class Alert(Record):
    """When people are told. The key names it: `high-ttft` is the alert HighTtft."""

    noun = "an alert"
    one_of = (("signal", "expr"), ("above", "below"))
    misnomers = {"query": "expr", "threshold": "above", "runbook": "runbookUrl"}

    signal: AlertSignal | None = field(
        "What is looked at; the key unless given. The PromQL is generated for this model and "
        "namespace. Seconds for latencies, parts of 1 for ratios, usage and saturation.",
        default=None,
    )
    expr: str | None = field(
        "PromQL of your own, instead. Each series of its result is an alert.", default=None
    )
    above: Number | None = field("The value above which it fires.", default=None)
    below: Number | None = field("That below which it does.", default=None)
    duration: Duration = field("How long it must hold (`for`).", default="5m")
    window: Duration = field("Time that rates and percentiles are over.", default="5m")
    severity: str = field("Its label `severity`.", default="warning")
    summary: str | None = field("One line for people; derived unless given.", default=None)
    runbook_url: str | None = field("Where people read what to do.", default=None)
    labels: Mapping[MetricLabel, str] = field("Further labels.", default=EMPTY)


class Alerts(Record):
    """A PrometheusRule of the model."""

    noun = "alerts"
    misnomers = {"alerts": "rules"}

    rules: Mapping[DnsLabel, Alert] = field("Alerts by name.", default=EMPTY)
    interval: Duration | None = field("Time between evaluations.", default=None)
    labels: Mapping[QualifiedName, LabelValue] = field(
        "Labels a Prometheus selects rules by.", default=EMPTY
    )


class Panel(Record):
    """A further panel of the dashboard."""

    noun = "a panel"

    title: str = field("Its title.")
    expr: str = field("PromQL.")
    unit: str = field("Unit, as Grafana spells it: s, percentunit, reqps.", default="short")
    legend: str | None = field(
        "Legend of a series: {{pod}}; its labels unless given.", default=None
    )


class Dashboard(Record):
    """A Grafana dashboard of the model, in a ConfigMap that Grafana's sidecar reads."""

    noun = "the dashboard"

    labels: Mapping[QualifiedName, LabelValue] = field(
        'Labels by which Grafana\'s sidecar finds it; grafana_dashboard: "1" unless given.',
        default=EMPTY,
    )
    annotations: Mapping[QualifiedName, str] = field("Annotations: grafana_folder.", default=EMPTY)
    panels: Mapping[DnsLabel, Panel] = field(
        "Further panels by name, after the derived ones.", default=EMPTY
    )
