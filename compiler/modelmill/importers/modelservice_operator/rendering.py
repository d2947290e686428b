"""A source to the children of its ModelService.

In: a source, settings, and whether the operator's quirks are kept. Out: children, facts, findings.
Goes in the operator's order: decoding, templates, the merge; what is corrected comes last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from modelmill.diagnostics import Diagnostic, has_errors, tidy
from modelmill.importers.carried import bare, live
from modelmill.importers.modelservice_operator import checks, mending, summary
from modelmill.importers.modelservice_operator.base_objects import (
    BaseObjects,
    base_objects,
    with_port,
)
from modelmill.importers.modelservice_operator.children import Parts, children
from modelmill.importers.modelservice_operator.decoding import decode
from modelmill.importers.modelservice_operator.facts import Rendered, Settings, Source
from modelmill.importers.modelservice_operator.identity import Identity, identity
from modelmill.importers.modelservice_operator.places import Places
from modelmill.importers.modelservice_operator.stanzas import rendered_spec
from modelmill.importers.modelservice_operator.templating import Scope

_NONE = Settings()
_NOTHING: Mapping[str, Any] = MappingProxyType({})


def render(source: Source, settings: Settings = _NONE, *, as_is: bool = False) -> Rendered:
    """What the operator's dry run makes of a source; `as_is` keeps its quirks.

    On errors the mappings are empty and there are no facts.
    """
    root = source.modelservice
    document = decode(root, "ModelService", zeros=not as_is)
    found = [*source.findings, *document.findings]
    known = identity(document.value, root, as_is=as_is)
    found += known.findings
    if known.artifacts is None:
        return _refused(found)
    scope = Scope(known.variables, known.ports, known.references, as_is)
    base = base_objects(source.baseconfig, source.texts, scope)
    references = with_port(scope, base.routing_port)
    given = document.value.get("spec", {})
    spec, said = rendered_spec(given, root, source.texts, scope, references)
    found += (*base.findings, *said)
    if has_errors(found):
        return _refused(found)
    return _made(source, spec, base, known, settings, found, as_is=as_is)


def _refused(found: Sequence[Diagnostic]) -> Rendered:
    no = _NOTHING
    return Rendered(no, no, no, no, no, no, facts=None, findings=tidy(found))


def _made(
    source: Source,
    spec: dict[str, Any],
    base: BaseObjects,
    known: Identity,
    settings: Settings,
    found: Sequence[Diagnostic],
    *,
    as_is: bool,
) -> Rendered:
    assert known.artifacts
    parts = Parts(
        name=known.name,
        namespace=known.namespace,
        spec=spec,
        base=base.objects,
        names=known.names,
        label=known.label,
        artifacts=known.artifacts,
        settings=settings,
        as_is=as_is,
    )
    places = Places(source.modelservice, base.trees)
    written = decode(source.modelservice, "ModelService", zeros=True).value.get("spec", {})
    seen = checks.Seen(written, parts, places)
    made, mended = mending.mended(children(parts), parts, places)
    return Rendered(
        children=bare(made),
        live_children=live(made),
        before=bare(base.objects),
        live_before=live(base.objects),
        spec=bare(spec),
        live_spec=live(spec),
        facts=summary.facts(parts, made, known, base.routing_port),
        findings=tidy([*found, *checks.findings(seen), *mended]),
    )
