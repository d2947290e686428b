"""The llm-d ModelService Helm chart: what its values render to, corrected and explained.

In: a release's values, name and namespace. Out: the objects the chart makes of them and the facts
they follow from. Knows the chart; never a Model. What runs is kept as it is; what the API server
refuses or what can never work is corrected, and said.
"""

from __future__ import annotations

from modelmill.diagnostics import Diagnostic, Span, has_errors, tidy
from modelmill.importers.helm import Values, coalesced
from modelmill.importers.modelservice_chart import (
    checking,
    forms,
    keys,
    rendering,
    requester,
    sidecar,
    tracing,
    versions,
    weights,
)
from modelmill.importers.modelservice_chart.defaults import CURRENT, DEFAULTS, FORMER
from modelmill.importers.modelservice_chart.expanding import without_templates
from modelmill.importers.modelservice_chart.facts import (
    ROLES,
    Accelerator,
    Claim,
    Container,
    ModelFacts,
    Parallelism,
    Path,
    Proxy,
    Rendered,
    RequesterFacts,
    Role,
    RoleFacts,
    RoutingFacts,
    TracingFacts,
)
from modelmill.importers.modelservice_chart.release import Release
from modelmill.importers.modelservice_chart.texts import with_texts

GENERATIONS = (CURRENT, FORMER)

__all__ = [
    "CURRENT",
    "FORMER",
    "GENERATIONS",
    "ROLES",
    "Accelerator",
    "Claim",
    "Container",
    "ModelFacts",
    "Parallelism",
    "Path",
    "Proxy",
    "Rendered",
    "RequesterFacts",
    "Role",
    "RoleFacts",
    "RoutingFacts",
    "TracingFacts",
    "generation",
    "render",
]


def generation(
    chart_version: str, span: Span | None = None
) -> tuple[str | None, tuple[Diagnostic, ...]]:
    """The generation whose rules a chart version follows, and what to say about the choice."""
    return versions.generation(chart_version, span)


def render(
    values: Values, release: str, namespace: str = "default", generation: str = CURRENT
) -> Rendered:
    """What the chart renders from `values` for a release; `objects` is empty on errors."""
    refused = Rendered(release, namespace, generation, (), {}, None, None, None, None, ())
    found = list(keys.findings(values.root, generation))
    if has_errors(found):
        return refused._replace(findings=tidy(found))
    merged = coalesced(values.root, DEFAULTS[generation])
    raw = Release(merged, values.root, release, namespace, generation)
    expanded, untold = without_templates(raw)
    found += (*untold, *forms.errors(expanded))
    if has_errors(found):
        return refused._replace(findings=tidy(found))
    made, retold = with_texts(expanded)
    found += (*retold, *checking.errors(made))
    if not has_errors(found):
        found += checking.findings(made)
    if has_errors(found):
        return refused._replace(findings=tidy(found))
    roles = tuple(role for role in ROLES if made.get(role, "create"))
    return Rendered(
        release=release,
        namespace=namespace,
        generation=generation,
        objects=rendering.objects(made),
        roles={role: rendering.role_facts(made, role) for role in roles},
        model=weights.facts(made),
        routing=sidecar.facts(made),
        requester=requester.facts(made),
        tracing=tracing.facts(made),
        findings=tidy(found),
    )
