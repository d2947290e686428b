"""Tokens to parts: the grammar of text/template (https://pkg.go.dev/text/template#hdr-Actions).

In: text. Out: a `Tree`. Never: a function looked up; which there are is known when it is rendered.
"""

from __future__ import annotations

from modelmill.importers.gotemplate import nodes
from modelmill.importers.gotemplate.faults import TemplateError
from modelmill.importers.gotemplate.lexer import Token
from modelmill.importers.gotemplate.limits import MAX_TEXT
from modelmill.importers.gotemplate.nodes import Branch, Part
from modelmill.importers.gotemplate.pipelines import BLOCKS, PipelineParser


def parse_tree(text: str) -> nodes.Tree:
    """Raises `TemplateError`, nothing else, whatever the text."""
    if len(text) > MAX_TEXT:
        raise TemplateError("limit", f"a template has at most {MAX_TEXT} characters", text, 0)
    surrogate = next((i for i, char in enumerate(text) if "\ud800" <= char <= "\udfff"), None)
    if surrogate is not None:
        raise TemplateError("syntax", "half a surrogate pair is not text", text, surrogate)
    return _Parser(text).run()


class _Parser(PipelineParser):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.definitions: dict[str, tuple[Part, ...]] = {}
        self.loops = 0

    def run(self) -> nodes.Tree:
        parts: list[Part] = []
        while self._peek().kind != "end":
            if self._peek().kind == "left" and self._peek(1).text == "define":
                self._define()
            else:
                closing = self._part(parts)
                if closing:
                    raise self._fault(f"`{closing.text}` closes nothing", closing)
        return nodes.Tree(tuple(parts), self.definitions)

    def _body(self, opening: Token) -> tuple[tuple[Part, ...], Token]:
        """The parts up to `end` or `else`, and that word."""
        parts: list[Part] = []
        with self._deeper(opening):
            while self._peek().kind != "end":
                closing = self._part(parts)
                if closing:
                    return tuple(parts), closing
        raise self._fault(f"`{opening.text}` has no `end`", opening)

    def _closed_body(self, opening: Token) -> tuple[Part, ...]:
        body, closing = self._body(opening)
        if closing.text != "end":
            raise self._fault(f"`{opening.text}` ends with `end`, not `else`", closing)
        return body

    def _part(self, parts: list[Part]) -> Token | None:
        """Appends one part; or, at `end` or `else`, appends none and returns the word."""
        token = self._next()
        if token.kind == "text":
            parts.append(nodes.Text(token.text, token.offset))
            return None
        word = self._peek()
        if word.kind != "word" or word.text not in BLOCKS:
            parts.append(nodes.Action(self._pipeline("an action", "right"), word.offset))
            return None
        self._next()
        if word.text == "end":
            self._expect("right", "`end`")
            return word
        if word.text == "else":
            if self._peek().text not in ("if", "with"):
                self._expect("right", "`else`")
            return word
        parts.append(self._control(word))
        return None

    def _control(self, word: Token) -> Part:
        if word.text in ("if", "with"):
            return self._conditional(word)
        if word.text == "range":
            return self._range(word)
        if word.text == "template":
            return self._template(word)
        if word.text == "block":
            return self._block(word)
        if word.text == "define":
            raise self._fault("`define` stands inside no other block", word)
        self._expect("right", f"`{word.text}`")
        if not self.loops:
            raise self._fault(f"`{word.text}` stands only inside `range`", word)
        kind = nodes.Break if word.text == "break" else nodes.Continue
        return kind(word.offset)

    def _conditional(self, word: Token) -> Part:
        known = len(self.variables)
        branches: list[Branch] = []
        otherwise: tuple[Part, ...] = ()
        while True:
            pipeline = self._pipeline(f"`{word.text}`", "right")
            body, closing = self._body(word)
            branches.append(Branch(pipeline, body))
            if closing.text == "else" and self._peek().text == word.text:
                self._next()
                continue
            if closing.text == "else":
                self._refuse_other_else(word)
                otherwise = self._closed_body(word)
            break
        del self.variables[known:]
        kind = nodes.If if word.text == "if" else nodes.With
        return kind(tuple(branches), otherwise, word.offset)

    def _range(self, word: Token) -> Part:
        known = len(self.variables)
        pipeline = self._pipeline("`range`", "right")
        self.loops += 1
        body, closing = self._body(word)
        self.loops -= 1
        otherwise: tuple[Part, ...] = ()
        if closing.text == "else":
            self._refuse_other_else(word)
            otherwise = self._closed_body(word)
        del self.variables[known:]
        return nodes.Range(pipeline, body, otherwise, word.offset)

    def _refuse_other_else(self, word: Token) -> None:
        token = self._peek()
        if token.kind == "word" and token.text in ("if", "with"):
            raise self._fault(f"`else {token.text}` does not belong to `{word.text}`", token)

    def _template(self, word: Token) -> Part:
        name = self._name("`template`")
        if self._peek().kind == "right":
            self._next()
            return nodes.Call(name, None, word.offset)
        return nodes.Call(name, self._pipeline("`template`", "right"), word.offset)

    def _block(self, word: Token) -> Part:
        name = self._name("`block`")
        pipeline = self._pipeline("`block`", "right")
        self._add(name, word)
        return nodes.Call(name, pipeline, word.offset)

    def _define(self) -> None:
        self._next()
        word = self._next()
        name = self._name("`define`")
        self._expect("right", "`define`")
        self._add(name, word)

    def _add(self, name: str, word: Token) -> None:
        """The body of a template, which sees no variables and no loop of what is around it."""
        around = self.variables, self.loops
        self.variables, self.loops = ["$"], 0
        body = self._closed_body(word)
        self.variables, self.loops = around
        if not _is_blank(body):
            if not _is_blank(self.definitions.get(name, ())):
                raise self._fault(f"the template `{name}` is defined twice", word)
            self.definitions[name] = body
        else:
            self.definitions.setdefault(name, body)


def _is_blank(parts: tuple[Part, ...]) -> bool:
    return all(isinstance(part, nodes.Text) and not part.text.strip() for part in parts)
