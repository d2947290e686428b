"""Go's template language, as Helm values and llm-d's ModelService files use it.

In: a template's text and plain data. Out: text, or what the template refers to. Never: the clock,
the environment, the network or randomness; a function that needs one is refused by its name.
Exact for strings, numbers, lists and maps; there are no methods, channels or complex numbers.
"""

from modelmill.importers.gotemplate.faults import Fault, NotHermetic, TemplateError
from modelmill.importers.gotemplate.functions import HELM, NOT_HERMETIC, SPRIG
from modelmill.importers.gotemplate.references import parts, references
from modelmill.importers.gotemplate.signatures import Function, function
from modelmill.importers.gotemplate.template import Template, parse

__all__ = [
    "HELM",
    "NOT_HERMETIC",
    "SPRIG",
    "Fault",
    "Function",
    "NotHermetic",
    "Template",
    "TemplateError",
    "function",
    "parse",
    "parts",
    "references",
]
