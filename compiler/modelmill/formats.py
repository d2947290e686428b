"""Formats: the strings of the input language that have a form of their own.

Each pattern follows the one of whoever reads the value in the end, named beside it; where that is
us, nothing is. A pattern is a whole match without look-around, so that JSON Schema can hold it too.
"""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias


class Format:
    """A string's form, and what messages call it."""

    def __init__(self, pattern: str, says: str, example: str) -> None:
        self.pattern = pattern
        self.says = says
        self.example = example
        self.matches = re.compile(pattern).fullmatch


# k8s.io/apimachinery/pkg/api/resource/quantity.go, without minus, exponents, n and u: no amount
# of memory, CPU or disk needs them.
Quantity: TypeAlias = Annotated[
    str,
    Format(
        r"[+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?",
        "a Kubernetes quantity",
        "16Gi",
    ),
]
# IsDNS1123Label in k8s.io/apimachinery/pkg/util/validation.
DnsLabel: TypeAlias = Annotated[
    str,
    Format(
        r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?",
        "a DNS label (lower case letters, digits and `-`, at most 63)",
        "llama-3-3-70b",
    ),
]
# IsDNS1123Subdomain, ibid., but for what stands beside a dot, which Kubernetes still refuses.
DnsName: TypeAlias = Annotated[
    str,
    Format(
        r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?",
        "a DNS name (lower case letters, digits, `-` and `.`)",
        "hf-token",
    ),
]
# Duration of the Gateway API (GEP-2257).
Duration: TypeAlias = Annotated[
    str,
    Format(r"([0-9]{1,5}(h|m|s|ms)){1,4}", "a duration", "300s"),
]
Version: TypeAlias = Annotated[
    str,
    Format(
        r"v?[0-9]{1,6}(\.[0-9]{1,6}){0,4}([-+.][A-Za-z0-9.+-]{1,40})?",
        "a release",
        "v0.26.0",
    ),
]
# IsQualifiedName in k8s.io/apimachinery/pkg/util/validation.
QualifiedName: TypeAlias = Annotated[
    str,
    Format(
        r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?",
        "a qualified name (letters, digits, `-`, `_`, `.`, after an optional DNS prefix and `/`)",
        "nvidia.com/gpu",
    ),
]
# IsEnvVarName, ibid.
EnvName: TypeAlias = Annotated[
    str,
    Format(
        r"[-._A-Za-z][-._A-Za-z0-9]{0,255}",
        "the name of an environment variable (letters, digits, `_`, `-`, `.`; no digit first)",
        "VLLM_LOGGING_LEVEL",
    ),
]
FlagName: TypeAlias = Annotated[
    str,
    Format(
        r"-{0,2}[A-Za-z0-9][-_.A-Za-z0-9]{0,127}",
        "the name of a flag (letters, digits, `-`, `_`, `.`)",
        "max-model-len",
    ),
]
# IsValidLabelValue in k8s.io/apimachinery/pkg/util/validation.
LabelValue: TypeAlias = Annotated[
    str,
    Format(
        r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?",
        "a label value (at most 63 letters, digits, `-`, `_`, `.`)",
        "search",
    ),
]
# A number or percentage of pods: IntOrString of a rollout in k8s.io/api/apps/v1.
IntOrPercent: TypeAlias = Annotated[
    str,
    Format(r"[0-9]{1,6}%?", "a number or a percentage", "25%"),
]
# The name part of github.com/distribution/reference, with its registry: `domain` holds a dot or a
# port, or is localhost.
Registry: TypeAlias = Annotated[
    str,
    Format(
        r"([A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:[0-9]{1,5})?|[A-Za-z0-9-]+:[0-9]{1,5}|localhost)"
        r"(/[a-z0-9]+([._-]+[a-z0-9]+)*)*",
        "a registry, with or without a path in it",
        "registry.example.com/ghcr",
    ),
]
