"""The llm-d ModelService operator: what it makes of a ModelService and its BaseConfig.

In: two files and what the operator was started with. Out: the objects of its dry run, as it makes
them or corrected, and the facts they follow from. Knows the operator (llm-d/llm-d-model-service,
last commit 403e983); never a Model.
"""

from __future__ import annotations

from modelmill.importers.modelservice_operator.facts import (
    BASE_KEYS,
    CHILDREN,
    ROLES,
    AcceleratorTypes,
    Facts,
    Rendered,
    RoleFacts,
    RoleName,
    Settings,
    Source,
)
from modelmill.importers.modelservice_operator.rendering import render
from modelmill.importers.modelservice_operator.sources import read

__all__ = [
    "BASE_KEYS",
    "CHILDREN",
    "ROLES",
    "AcceleratorTypes",
    "Facts",
    "Rendered",
    "RoleFacts",
    "RoleName",
    "Settings",
    "Source",
    "read",
    "render",
]
