"""A parsed template and how it is rendered.

In: text; data, functions and named templates. Out: text. The data is copied, so that `set` and
`merge`, which change what they are given, change nothing outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelmill.importers.gotemplate import nodes
from modelmill.importers.gotemplate.evaluate import execute
from modelmill.importers.gotemplate.expressions import Missing, Shared, Source
from modelmill.importers.gotemplate.faults import Fault, NotHermetic, TemplateError
from modelmill.importers.gotemplate.functions import NOT_HERMETIC, SPRIG
from modelmill.importers.gotemplate.limits import MAX_NESTING
from modelmill.importers.gotemplate.parser import parse_tree
from modelmill.importers.gotemplate.signatures import Function, calling
from modelmill.importers.gotemplate.values import ABSENT, own
from modelmill.importers.gotemplate.walking import functions_of
from modelmill.tuples import NamedTuple

_PARSING = 16
"""Units of work for each character of a text that `tpl` parses."""


class Template(NamedTuple):
    text: str
    tree: nodes.Tree

    def render(
        self,
        data: Any,
        functions: Mapping[str, Function] | None = None,
        templates: Mapping[str, Template] | None = None,
        missing: Missing = "default",
    ) -> str:
        """The text for `data`: None, booleans, numbers, strings, and lists and mappings of these.

        A Python int is Go's int and a float is float64, which prints 1000000.0 as 1e+06; Helm reads
        every number of a values file as float64, so give it floats for the same text. `functions`
        lie over Go's own and Sprig's (`HELM` adds Helm's). With `templates`, a table of named ones
        (it may be empty), `include` and `tpl` are there too. Raises `TemplateError`.
        """
        table = {**SPRIG, **(functions or {})}
        source, every = _linked(self, templates or {})
        shared = Shared(table, missing)
        if templates is not None:
            table |= _helm_calls(shared)
        for each in every:
            _check_functions(each, table)
        try:
            return _checked(execute(source, shared, own(data)), self.text)
        except Fault as fault:
            raise TemplateError(fault.kind, fault.message, self.text, 0) from None
        except RecursionError:
            raise TemplateError("limit", "the template nests too deep", self.text, 0) from None


def parse(text: str) -> Template:
    """The template of a text. Raises `TemplateError`, and nothing else."""
    try:
        return Template(text, parse_tree(text))
    except RecursionError:
        raise TemplateError("limit", "the template nests too deep", text, 0) from None


def _linked(main: Template, named: Mapping[str, Template]) -> tuple[Source, list[Source]]:
    """The template with all it can call by name, its own definitions first; and all of these."""
    table: dict[str, Source] = {}
    source = Source("", main.text, main.tree.parts, table)
    for name, template in named.items():
        for inner, body in template.tree.definitions.items():
            table[inner] = Source(name, template.text, body, table)
    for name, template in named.items():
        table[name] = Source(name, template.text, template.tree.parts, table)
    for inner, body in main.tree.definitions.items():
        table[inner] = Source("", main.text, body, table)
    return source, [source, *table.values()]


def _helm_calls(shared: Shared) -> dict[str, Function]:
    """`include` and `tpl`: https://helm.sh/docs/howto/charts_tips_and_tricks/."""

    def include(known: dict[str, Source], name: str, data: Any) -> str:
        if name not in known:
            raise Fault(f"there is no template `{name}`", "missing")
        return _nested(known[name], shared, data)

    def tpl(known: dict[str, Source], text: str, data: Any) -> str:
        shared.budget.spend(_PARSING * len(text) + len(known))
        tree = parse_tree(text)
        table = dict(known)
        source = Source("tpl", text, tree.parts, table)
        for name, body in tree.definitions.items():
            table[name] = Source("tpl", text, body, table)
        for each in (source, *(table[name] for name in tree.definitions)):
            _check_functions(each, shared.functions)
        return _nested(source, shared, data).replace(ABSENT.value, "")

    return {"include": calling("string any", include), "tpl": calling("string any", tpl)}


def _nested(source: Source, shared: Shared, data: Any) -> str:
    # It takes twice as many of Python's own levels as a block does.
    if shared.depth + 2 > MAX_NESTING:
        raise Fault(f"more than {MAX_NESTING} blocks or templates are inside each other", "limit")
    shared.depth += 2
    text = execute(source, shared, ABSENT if data is None else data)
    shared.depth -= 2
    return text


def _check_functions(source: Source, table: Mapping[str, Function]) -> None:
    """Every function, also in a branch that is not taken: as in Go, what can be rendered does not
    depend on the data."""
    for called in functions_of(source.parts):
        if called.name in table:
            continue
        if called.name in NOT_HERMETIC:
            raise NotHermetic(called.name, source.text, called.offset, source.name)
        message = f"there is no function `{called.name}`"
        raise TemplateError("unknown function", message, source.text, called.offset, source.name)


def _checked(rendered: str, text: str) -> str:
    """Rendered text, unless a function cut a character in two."""
    try:
        rendered.encode()
    except UnicodeEncodeError:
        raise TemplateError("type error", "the result is not UTF-8 text", text, 0) from None
    return rendered
