"""Names of everything a ModelService makes.

In: its name, the model's name. Out: names and the model's label: as the operator cuts them, or with
a hash in the place of what does not fit.
"""

from __future__ import annotations

from collections.abc import Mapping

from modelmill.names import NAME_LIMIT, child_name, label_value
from modelmill.regexes import regex

_odd = regex(r"[^a-z0-9-]+")
_label = regex(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")

SUFFIXES = {
    "prefillDeployment": "prefill",
    "decodeDeployment": "decode",
    "prefillService": "service-prefill",
    "decodeService": "service-decode",
    "httpRoute": "http-route",
    "inferencePool": "inference-pool",
    "eppDeployment": "epp",
    "eppService": "epp-service",
    "eppServiceAccount": "epp-sa",
    "pdServiceAccount": "sa",
    "eppRoleBinding": "epp-rolebinding",
}
_FALLBACKS = {
    "prefillDeployment": "deployment-prefill",
    "decodeDeployment": "deployment-decode",
    "prefillService": "default-service-prefill",
    "decodeService": "default-service-decode",
    "httpRoute": "http-route",
    "inferencePool": "inference-pool",
    "eppDeployment": "epp-deployment",
    "eppService": "epp-service",
    "eppServiceAccount": "epp-sa",
    "pdServiceAccount": "pd-sa",
    "eppRoleBinding": "epp-rolebinding",
}
"""What the operator takes where a name cannot be made valid."""
DEFAULT_MODEL_NAME = "default-modelName"


def names(name: str, *, as_is: bool) -> Mapping[str, str]:
    """The name of each child but the ConfigMaps, which bring their own, by the child's key."""
    if as_is:
        made = {
            key: cut_name(f"{name}-{suffix}") or _FALLBACKS[key] for key, suffix in SUFFIXES.items()
        }
    else:
        made = {key: child_name(cleaned(name), suffix) for key, suffix in SUFFIXES.items()}
    return {**made, "inferenceModel": name}


def cleaned(text: str) -> str:
    """Text in the characters of a DNS label, of any length."""
    return _odd.sub("-", text.strip().lower()).strip("-._")


def cut_name(text: str) -> str | None:
    """The operator's sanitizeName: cut at 63; None where what is left ends in `-`."""
    name = cleaned(text)[:NAME_LIMIT]
    return name if _label.fullmatch(name) else None


def model_label(model_name: str, *, as_is: bool) -> str:
    """The value of llm-d.ai/model; the operator's is empty where the name cannot be cut."""
    return cut_name(model_name) or "" if as_is else label_value(cleaned(model_name))
