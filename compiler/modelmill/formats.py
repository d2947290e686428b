"""Formats: the strings of the input language that have a form of their own.

Each pattern follows the one of whoever reads the value in the end, named beside it; where that is
us, nothing is. A pattern is a whole match without look-around, so that JSON Schema can hold it too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import Annotated, TypeAlias


class Format:
    """A string's form, and what messages call it. `is_decimal`: a number with a fraction, as YAML
    has it, stands for its text."""

    def __init__(self, pattern: str, says: str, example: str, *, is_decimal: bool = False) -> None:
        self.pattern = pattern
        self.says = says
        self.example = example
        self.is_decimal = is_decimal

    @cached_property
    def matches(self) -> Callable[[str], object]:
        """Whether a text has this form. Compiled when it is first asked."""
        return re.compile(self.pattern).fullmatch


# Numbers whose text is handed on as it is: thresholds, costs, weights.
Number: TypeAlias = Annotated[
    str,
    Format(r"-?[0-9]{1,15}(\.[0-9]{1,9})?", "a number", "0.7", is_decimal=True),
]
Weight: TypeAlias = Annotated[
    str, Format(r"[0-9]{1,9}(\.[0-9]{1,9})?", "a weight", "2", is_decimal=True)
]
Priority: TypeAlias = Annotated[str, Format(r"-?[0-9]{1,9}", "a priority", "100")]
# A day, as ISO 8601 has it.
Date: TypeAlias = Annotated[
    str, Format(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])", "a day", "2027-03-31")
]
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
# Of what https://git-scm.com/docs/git-clone#_git_urls takes, what leads to another machine without
# a password: git runs the hooks of a repository on this one, and whatever `ext::` says.
RepositoryAddress: TypeAlias = Annotated[
    str,
    Format(
        r"((https?|ssh)://([A-Za-z0-9_.~+][A-Za-z0-9_.~+-]*@)?[A-Za-z0-9\[][^\s\x00-\x1f@]*)"
        r"|(([A-Za-z0-9_.~+][A-Za-z0-9_.~+-]*@)?[A-Za-z0-9][A-Za-z0-9.-]+"
        r":/?[^\s\x00-\x1f:/-][^\s\x00-\x1f]*)",
        "an address of a git repository on a server, by https or ssh and without a password",
        "git@git.example.com:acme/manifests.git",
    ),
]
# Hostname, HTTPHeaderName and a PathPrefix of the Gateway API, as its CRDs have them.
Hostname: TypeAlias = Annotated[
    str,
    Format(
        r"(\*\.)?[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?){0,62}",
        "a host name (DNS labels; the first may be `*`)",
        "chat.example.com",
    ),
]
HeaderName: TypeAlias = Annotated[
    str,
    Format(
        r"[A-Za-z0-9!#$%&'*+\-.^_`|~]{1,256}",
        "the name of a header (letters, digits, `-`, `_`, `.`)",
        "x-tier",
    ),
]
# Of a part of a path, but for the dot. An escaped slash is none.
_CHARACTER = r"([-A-Za-z0-9_~!$&'()*+,;=:@]|%([013-9A-Fa-f][0-9A-Fa-f]|2[0-9A-Ea-e]))"
UrlPath: TypeAlias = Annotated[
    str,
    Format(
        rf"/|(/({_CHARACTER}|\.{_CHARACTER}|\.\.({_CHARACTER}|\.))({_CHARACTER}|\.){{0,1023}}){{1,64}}/?",
        "an absolute path without empty parts, `.` or `..`",
        "/v1",
    ),
]
# The `model` of a request. A header of an HTTPRoute holds it too, which has 4096 characters.
ServedName: TypeAlias = Annotated[
    str,
    Format(
        r"\S(.{0,4094}\S)?",
        "the name of a model",
        "meta-llama/Llama-3.3-70B-Instruct",
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
# Keys of a Secret's data: IsConfigMapKey in k8s.io/apimachinery/pkg/util/validation.
SecretKey: TypeAlias = Annotated[
    str,
    Format(
        r"[-._A-Za-z0-9]{1,253}",
        "the key of a Secret (letters, digits, `-`, `_`, `.`)",
        "HF_TOKEN",
    ),
]
# A port of a NetworkPolicy by its number or by its name: IsValidPortNum and IsValidPortName, ibid.
PortRef: TypeAlias = Annotated[
    str,
    Format(r"[0-9]{1,5}|[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?", "a port", "8000"),
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
# LabelName of the Prometheus data model.
MetricLabel: TypeAlias = Annotated[
    str,
    Format(
        r"[a-zA-Z_][a-zA-Z0-9_]{0,127}",
        "the name of a Prometheus label (letters, digits and `_`)",
        "team",
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
