"""Templates inside values, where a chart evaluates them.

In: a value with `{{ … }}` in its strings, and what the chart's templates see. Out: the value with
every template evaluated, read as the YAML that Helm would read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelmill.gotypes.yaml_data import read_yaml
from modelmill.gotypes.yaml_scalars import resolved
from modelmill.importers.gotemplate import HELM, Template, TemplateError, parse, references
from modelmill.tuples import NamedTuple

NOT_HERE: Mapping[str, str] = {
    "Capabilities": "what the cluster says of itself",
    "Files": "what else is in the chart",
    "Template": "the chart's own file",
    "Subcharts": "what other charts say",
}
"""What Helm's templates see and a values file alone does not tell."""
NO_VALUE = "<no value>"
"""What Go prints for a key that is not there; Helm takes it out of what it renders."""


class Context(NamedTuple):
    """What a template sees: the data at `.`, and the templates that `include` knows by name."""

    data: Mapping[str, Any]
    named: Mapping[str, Template]


class Unrenderable(Exception):
    """A template that cannot be evaluated: `message` says why, `text` is the string it is in."""

    def __init__(self, message: str, text: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.text = text
        self.path = path


def holds_template(value: Any) -> bool:
    """Whether any string of the value holds `{{`."""
    if isinstance(value, dict):
        return any(holds_template(k) or holds_template(v) for k, v in value.items())
    if isinstance(value, list):
        return any(map(holds_template, value))
    return isinstance(value, str) and "{{" in value


def expanded(value: Any, context: Context, path: tuple[str | int, ...] = ()) -> Any:
    """The value with its templates evaluated; raises Unrenderable at the first that fails."""
    if isinstance(value, dict):
        return {
            rendered(key, context, path): expanded(each, context, (*path, key))
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [expanded(each, context, (*path, at)) for at, each in enumerate(value)]
    if isinstance(value, str) and "{{" in value:
        text = rendered(value, context, path)
        # A plain scalar is read again as YAML; one that begins with a brace is quoted.
        plain = not value.startswith(("{", "'", '"', "&", "*", "!", "|", ">", "%", "@", "`"))
        return resolved(text) if plain and "\n" not in text else text
    return value


def expanded_text(text: str, context: Context, path: tuple[str | int, ...] = ()) -> Any:
    """A string that is itself YAML, its templates evaluated and read."""
    result = rendered(text, context, path)
    try:
        return read_yaml(result)
    except ValueError as fault:
        raise Unrenderable(f"the rendered text is not YAML: {fault}", text, path) from None


def rendered(text: str, context: Context, path: tuple[str | int, ...] = ()) -> str:
    """The text with its templates evaluated, as text."""
    if "{{" not in text:
        return text
    try:
        template = parse(text)
        for chain in references(template):
            if chain and chain[0] in NOT_HERE:
                message = f"`.{chain[0]}` is {NOT_HERE[chain[0]]}"
                raise Unrenderable(message, text, path)
        result = template.render(context.data, HELM, context.named, "zero")
    except TemplateError as fault:
        raise Unrenderable(fault.message, text, path) from None
    return result.replace(NO_VALUE, "")


def literal(text: str) -> Template:
    """A template that renders to `text`."""
    return parse(text.replace("{{", '{{ "{{" }}'))
