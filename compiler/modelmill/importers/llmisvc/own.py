"""What people said of a service, apart from KServe's own presets.

In: a service and the configurations it refers to. Out: the specification they make together, with
templates evaluated, and what each configuration says without a template in it: that much holds for
every service that refers to it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from modelmill.importers.llmisvc.composing import Composed
from modelmill.importers.llmisvc.platform import template_data
from modelmill.importers.llmisvc.reading import Document, Input
from modelmill.importers.llmisvc.templating import Failure, evaluate, has_template
from modelmill.kserve.merging import KEYS, merge
from modelmill.names import kserve_name
from modelmill.tuples import NamedTuple

Spec = dict[str, Any]
Path = tuple[str | int, ...]
_GONE = object()


class Own(NamedTuple):
    """A service's own specification over that of its configurations.

    spec       merged as KServe merges, without `baseRefs`, its templates evaluated
    configs    the configurations, in the order of `baseRefs`
    evaluated  where templates stood, and what they gave; words of nothing are left out
    failures   templates that cannot be evaluated
    """

    spec: Spec
    configs: tuple[Document, ...]
    evaluated: tuple[tuple[Path, str], ...]
    failures: tuple[Failure, ...]


def own_of(given: Input, service: Document, composed: Composed) -> Own:
    """`composed`: the same service over KServe's presets too, which templates see."""
    configs = configurations(given, service)
    merged: Spec = {}
    for each in (*configs, service):
        merged = merge(merged, each.spec)
    merged.pop("baseRefs", None)
    name = (composed.spec.get("model") or {}).get("name")
    if name:
        merged["model"] = {**(merged.get("model") or {}), "name": name}
    namespace = str(service.metadata.get("namespace") or "default")
    pool = kserve_name(service.name, "-inference-pool")
    data = template_data(given.platform, namespace, pool)
    spec, failures = evaluate(merged, service.metadata, data, composed.spec)
    evaluated = tuple((path, str(_at(spec, path))) for path in _templates(merged))
    blanks = {path for path, value in evaluated if not value}
    return Own(_without_blanks(spec, blanks), configs, evaluated, tuple(failures))


def _at(spec: Any, path: Path) -> Any:
    for key in path:
        spec = spec[key]
    return spec


def _without_blanks(value: Any, blanks: Collection[Path], at: Path = ()) -> Any:
    """The specification without words of which a template has made nothing."""
    if isinstance(value, dict):
        return {key: _without_blanks(each, blanks, (*at, key)) for key, each in value.items()}
    if isinstance(value, list):
        numbered = enumerate(value)
        kept = ((number, each) for number, each in numbered if (*at, number) not in blanks)
        return [_without_blanks(each, blanks, (*at, number)) for number, each in kept]
    return value


def configurations(given: Input, service: Document) -> tuple[Document, ...]:
    """Those a service refers to and that are at hand, in its order."""
    namespace = str(service.metadata.get("namespace") or "default")
    found = []
    for ref in service.spec.get("baseRefs") or []:
        for place in (namespace, given.platform.namespace):
            here = [e for e in given.configs if e.name == ref.get("name")]
            here = [e for e in here if e.namespace in (place, "")]
            if here:
                found.append(here[0])
                break
    return tuple(found)


def without_templates(spec: Mapping[str, Any]) -> Spec:
    """What a specification says whatever the service is. A list that is replaced as a whole is left
    out as a whole; of a list with a key, entries keep what has no template."""
    found = _plain(dict(spec), "")
    return found if isinstance(found, dict) else {}


def _plain(value: Any, field: str) -> Any:
    if isinstance(value, dict):
        kept = {k: _plain(v, k) for k, v in value.items() if not has_template(k)}
        kept = {k: v for k, v in kept.items() if v is not _GONE}
        return kept if kept or not value else _GONE
    if isinstance(value, list):
        key = KEYS.get(field)
        if key and all(
            isinstance(e, dict) and key in e and not has_template(e[key]) for e in value
        ):
            entries = [_plain(each, "") for each in value]
            whole = [e for e, was in zip(entries, value, strict=True) if _says(e, was, key)]
            return whole or _GONE
        return _GONE if has_template(value) else value
    return _GONE if has_template(value) else value


def _says(entry: Any, was: Mapping[str, Any], key: str) -> bool:
    """Whether more is left of an entry than what names it: a variable without its value is not."""
    return entry is not _GONE and (set(entry) != {key} or set(was) == {key})


def _templates(value: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _templates(each, (*path, key))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _templates(each, (*path, number))
    elif has_template(value):
        yield path
