"""What of the merged objects could never work, made to.

In: children of a corrected merge. Out: children in which engines have the accelerators they are
told to use, routes lead to the pool, and nothing is left that the API server refuses; a finding for
each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelmill.diagnostics import Diagnostic, Span, warning
from modelmill.importers.modelservice_operator import engine
from modelmill.importers.modelservice_operator.children import INFERENCE, Parts
from modelmill.importers.modelservice_operator.facts import ROLES, RoleName
from modelmill.importers.modelservice_operator.merging import Tree
from modelmill.importers.modelservice_operator.places import Places


def mended(
    children: Mapping[str, Any], parts: Parts, places: Places
) -> tuple[dict[str, Any], tuple[Diagnostic, ...]]:
    """The children, and what is said of them; as they are where quirks are kept."""
    made = dict(children)
    found: list[Diagnostic] = []
    for role in ROLES:
        key = f"{role}Deployment"
        if key in made:
            made[key], said = _parallel(made[key], role, parts, places)
            found += said
    for service, deployment in (
        ("decodeService", "decodeDeployment"),
        ("prefillService", "prefillDeployment"),
        ("eppService", "eppDeployment"),
    ):
        if service in made and deployment in made:
            found += _selecting(made[service], service, made[deployment], places)
    if "httpRoute" in made:
        made["httpRoute"], said = _leading(made["httpRoute"], made, parts, places)
        found += said
    if "configMaps" in made:
        found += _unnamed(made["configMaps"], places)
        named = [each for each in made["configMaps"] if each.get("metadata", {}).get("name")]
        made["configMaps"] = made["configMaps"] if parts.as_is else named
    return {key: value for key, value in made.items() if value}, tuple(found)


def _said(
    parts: Parts, code: str, message: str, mend: str, span: Span, hint: str = ""
) -> Diagnostic:
    return warning(code, f"{message}: {'this is kept' if parts.as_is else mend}", span, hint)


def _parallel(
    deployment: Tree, role: RoleName, parts: Parts, places: Places
) -> tuple[Tree, list[Diagnostic]]:
    """A Deployment whose engine is told its tensor parallel size and has accelerators for it."""
    pod = deployment["spec"]["template"]["spec"]
    containers = pod.get("containers", [])
    declared = parts.spec.get(role, {}).get("parallelism", {}).get("tensor")
    at = engine.engine_index(containers)
    if at is None:
        return deployment, []
    given = containers[at]
    changed, found = _told(given, declared, role, parts, places)
    size = engine.tensor_in_words(changed) or 1
    changed, said = _equipped(changed, size, role, parts, places)
    found += said
    if parts.as_is or changed == given:
        return deployment, found
    listed = [changed if index == at else each for index, each in enumerate(containers)]
    template = {**deployment["spec"]["template"], "spec": {**pod, "containers": listed}}
    return {**deployment, "spec": {**deployment["spec"], "template": template}}, found


def _told(
    container: Tree, declared: int | None, role: RoleName, parts: Parts, places: Places
) -> tuple[Tree, list[Diagnostic]]:
    said = engine.tensor_in_words(container)
    span = places.spec(role, "parallelism", "tensor")
    name = container.get("name")
    # 1 is what the API server fills in where nothing is said.
    if declared is None or declared < 2 or declared == said:
        return container, []
    if said is not None:
        message = f"`parallelism.tensor` is {declared}, `{name}` is started with {said}"
        return container, [_said(parts, "I845", message, "what it is started with counts", span)]
    kind = engine.engine_kind(container)
    message = f"the operator does not read `parallelism.tensor`: `{name}` is not told of {declared}"
    if kind is None or engine.runs_script(container):
        hint = f"tell `{name}` in its own words"
        return container, [warning("I845", f"{message}: this is kept", span, hint)]
    flag = engine.FLAGS[kind][0]
    args = [*container.get("args", ()), flag, str(declared)]
    return {**container, "args": args}, [
        _said(parts, "I845", message, f"it gets {flag} {declared}", span)
    ]


def _equipped(
    container: Tree, size: int, role: RoleName, parts: Parts, places: Places
) -> tuple[Tree, list[Diagnostic]]:
    """The container with at least `size` accelerators, all of which it sees."""
    if size < 2:
        return container, []
    found: list[Diagnostic] = []
    name, count = container.get("name"), engine.accelerators(container)
    span = places.spec(role, "containers")
    resource = engine.accelerator(container) or engine.ACCELERATORS[0]
    if count is None or count < size:
        has = f"has {count}" if count is not None else "asks for none"
        message = f"`{name}` spreads over {size} accelerators and {has}"
        found.append(_said(parts, "I845", message, f"it gets {size} of {resource}", span))
        resources = container.get("resources", {})
        both = {
            part: {**resources.get(part, {}), resource: str(size)}
            for part in ("limits", "requests")
            if part == "limits" or resource in resources.get("requests", {})
        }
        container = {**container, "resources": {**resources, **both}}
    env = container.get("env", [])
    visible = next((each for each in env if each.get("name") == engine.VISIBLE), None)
    if visible and "value" in visible and len(str(visible["value"]).split(",")) < size:
        message = f"{engine.VISIBLE} of `{name}` is {visible['value']}, which is less than {size}"
        found.append(_said(parts, "I845", message, "it is left out", span))
        container = {**container, "env": [each for each in env if each is not visible]}
    return container, found


def _selecting(service: Tree, key: str, deployment: Tree, places: Places) -> Iterator[Diagnostic]:
    """Whether a Service's selector says something that its pods have not."""
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    selector = service.get("spec", {}).get("selector", {})
    extra = [name for name, value in selector.items() if labels.get(name) != value]
    if not extra:
        return
    message = f"`{key}` selects by {extra[0]}, which its pods have not, and so finds none"
    span = places.base(key, "spec", "selector", extra[0])
    yield warning("I849", f"{message}: this is kept", span, "take it out of the selector")


def _leading(
    route: Tree, made: Mapping[str, Any], parts: Parts, places: Places
) -> tuple[Tree, list[Diagnostic]]:
    """A route each of whose rules leads somewhere."""
    found: list[Diagnostic] = []
    spec = route.get("spec", {})
    if not spec.get("parentRefs"):
        message = "the HTTPRoute has no parent and takes in no request: this is kept"
        hint = "name a gateway in `routing.gatewayRefs`"
        found.append(warning("I849", message, places.base("httpRoute"), hint))
    rules = spec.get("rules") or [{}]
    blind = [at for at, rule in enumerate(rules) if not _leads(rule)]
    if not blind:
        return route, found
    span = places.base("httpRoute", "spec", "rules", blind[0])
    if "httpRoute" not in places.trees:
        span = places.spec("routing", "gatewayRefs")
    message = "the HTTPRoute leads to no backend"
    if "inferencePool" not in made:
        hint = "give the BaseConfig an `inferencePool`"
        return route, [*found, warning("I849", f"{message}: this is kept", span, hint)]
    found.append(_said(parts, "I849", message, "it leads to the InferencePool", span))
    if parts.as_is:
        return route, found
    backend = {
        "group": INFERENCE,
        "kind": "InferencePool",
        "name": parts.names["inferencePool"],
    }
    leading = [{**r, "backendRefs": [backend]} if not _leads(r) else r for r in rules]
    return {**route, "spec": {**spec, "rules": leading}}, found


def _leads(rule: Tree) -> bool:
    redirects = any(each.get("type") == "RequestRedirect" for each in rule.get("filters", ()))
    return bool(rule.get("backendRefs")) or redirects


def _unnamed(maps: list[Tree], places: Places) -> Iterator[Diagnostic]:
    for at, each in enumerate(maps):
        if not each.get("metadata", {}).get("name"):
            message = "a ConfigMap has no `metadata.name`, which the API server refuses"
            span = places.base("configMaps", at)
            yield warning("I849", f"{message}: it is left out", span, "give it a name")
