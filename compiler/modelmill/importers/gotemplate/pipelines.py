"""The inside of an action: pipelines, commands and terms.

In: tokens. Out: a `Pipeline`. Knows the variables that are declared so far.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from modelmill.importers.gotemplate import literals, nodes
from modelmill.importers.gotemplate.faults import TemplateError
from modelmill.importers.gotemplate.lexer import Token, tokens
from modelmill.importers.gotemplate.limits import MAX_NESTING, MAX_VARIABLES
from modelmill.importers.gotemplate.nodes import Pipeline, Term

BLOCKS = {"block", "break", "continue", "define", "else", "end", "if", "range", "template", "with"}
"""Words that no function can be called, besides `_VALUES`."""

_VALUES = {"true": True, "false": False, "nil": None}
_NAMES = {"left": "an action", "right": "`}}`", "end": "the end of the text", "text": "text"}


class PipelineParser:
    """Reads a text token by token."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.ahead: deque[Token] = deque()
        self.variables = ["$"]
        self.depth = 0

    def _peek(self, further: int = 0) -> Token:
        while len(self.ahead) <= further:
            self.ahead.append(next(self.tokens))
        return self.ahead[further]

    def _next(self) -> Token:
        token = self._peek()
        self.ahead.popleft()
        return token

    def _fault(self, message: str, at: Token) -> TemplateError:
        return TemplateError("syntax", message, self.text, at.offset)

    def _expect(self, kind: str, where: str) -> Token:
        token = self._next()
        if token.kind != kind:
            wanted = _NAMES.get(kind, f"a {kind}")
            raise self._fault(f"{wanted} is expected in {where}, not {_spelt(token)}", token)
        return token

    @contextmanager
    def _deeper(self, at: Token) -> Iterator[None]:
        if self.depth >= MAX_NESTING:
            message = f"more than {MAX_NESTING} blocks or parentheses stand inside each other"
            raise TemplateError("limit", message, self.text, at.offset)
        self.depth += 1
        yield
        self.depth -= 1

    def _name(self, where: str) -> str:
        token = self._expect("string", where)
        return self._string(token)

    def _pipeline(self, where: str, end: str) -> Pipeline:
        start = self._peek()
        variables, assigns = self._declared(where)
        commands: list[nodes.Command] = []
        while self._peek().kind != end:
            commands.append(self._command(where))
        self._next()
        if not commands:
            raise self._fault(f"a value is expected in {where}", start)
        for later in commands[1:]:
            if isinstance(later.terms[0], nodes.Literal | nodes.Number | nodes.Dot):
                at = Token("", "", later.offset)
                raise self._fault("only a function can follow `|`", at)
        return Pipeline(variables, assigns, tuple(commands), start.offset)

    def _declared(self, where: str) -> tuple[tuple[str, ...], bool]:
        """The variables before `:=` or `=`, and whether it is `=`."""
        names: list[str] = []
        while self._peek().kind == "variable":
            sign = self._peek(1)
            if sign.kind not in ("declare", "assign", "comma"):
                # `range $i, $list`: the second variable is what is ranged over.
                break
            variable = self._next()
            self._next()
            if len(self.variables) >= MAX_VARIABLES:
                message = f"a template has at most {MAX_VARIABLES} variables at a time"
                raise TemplateError("limit", message, self.text, variable.offset)
            names.append(variable.text)
            self.variables.append(variable.text)
            if sign.kind != "comma":
                return tuple(names), sign.kind == "assign"
            if where != "`range`" or len(names) > 1:
                raise self._fault(f"{where} declares one variable", sign)
            if self._peek().kind != "variable":
                raise self._fault("a variable is expected after the `,`", self._peek())
        return tuple(names), False

    def _command(self, where: str) -> nodes.Command:
        start = self._peek()
        terms = [self._operand(where)]
        while True:
            token = self._peek()
            if token.kind == "pipe":
                self._next()
                break
            if token.kind in ("right", "close"):
                break
            if not token.spaced:
                raise self._fault(f"a blank is expected before {_spelt(token)}", token)
            terms.append(self._operand(where))
        return nodes.Command(tuple(terms), start.offset)

    def _operand(self, where: str) -> Term:
        start = self._peek()
        term = self._term(where)
        names = []
        while self._peek().kind == "field" and not self._peek().spaced:
            names.append(self._next().text[1:])
        if not names:
            return term
        if isinstance(term, nodes.Field):
            return term._replace(names=(*term.names, *names))
        if isinstance(term, nodes.Variable):
            return term._replace(names=(*term.names, *names))
        if isinstance(term, nodes.Literal | nodes.Number | nodes.Dot):
            raise self._fault(f"{_spelt(start)} has no fields", start)
        return nodes.Chain(term, tuple(names), start.offset)

    def _term(self, where: str) -> Term:
        token = self._next()
        if token.kind == "dot":
            return nodes.Dot(token.offset)
        if token.kind == "field":
            return nodes.Field((token.text[1:],), token.offset)
        if token.kind == "variable":
            if token.text not in self.variables:
                raise self._fault(f"the variable {_spelt(token)} is not defined", token)
            return nodes.Variable(token.text, (), token.offset)
        if token.kind == "open":
            with self._deeper(token):
                return self._pipeline("the parentheses", "close")
        if token.kind == "word" and token.text in _VALUES:
            return nodes.Literal(_VALUES[token.text], token.text, token.offset)
        if token.kind == "word" and token.text not in BLOCKS:
            return nodes.Function(token.text, token.offset)
        if token.kind == "string":
            return nodes.Literal(self._string(token), token.text, token.offset)
        if token.kind in ("number", "character"):
            return self._number(token)
        raise self._fault(f"{_spelt(token)} does not belong in {where}", token)

    def _string(self, token: Token) -> str:
        text = literals.unquoted(token.text)
        if text is None:
            raise self._fault(f"{_spelt(token)} has an escape that Go does not know", token)
        return text

    def _number(self, token: Token) -> nodes.Number:
        known: tuple[int | float, int | None] | None
        if token.kind == "character":
            code = literals.rune(token.text)
            known = None if code is None else (code, code)
        else:
            known = literals.number(token.text)
        if known is None:
            raise self._fault(f"{_spelt(token)} is not a number that Go takes", token)
        return nodes.Number(known[0], known[1], token.text, token.offset)


def _spelt(token: Token) -> str:
    return _NAMES.get(token.kind) or f"`{token.text[:40]}`"
