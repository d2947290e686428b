"""What a ModelService is called, and what its templates see.

In: its decoded document. Out: names, artifacts and the sixteen variables with the references they
stand for; findings for what the operator cuts, loses or refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelmill.diagnostics import Diagnostic, Note, error, warning
from modelmill.importers.modelservice_operator import naming
from modelmill.importers.modelservice_operator.artifacts import (
    Artifacts,
    as_made,
    corrected,
)
from modelmill.model_uri import UriFault
from modelmill.tree import Node
from modelmill.tuples import NamedTuple

_MODEL = "${model.name}"
_NAME = "${metadata.name}"
_SECRET = "${model.auth.secretName}"
_VARIABLES = {
    "EPPServiceName": "eppService",
    "EPPDeploymentName": "eppDeployment",
    "PrefillDeploymentName": "prefillDeployment",
    "DecodeDeploymentName": "decodeDeployment",
    "PrefillServiceName": "prefillService",
    "DecodeServiceName": "decodeService",
    "InferencePoolName": "inferencePool",
    "InferenceModelName": "inferenceModel",
}
"""Variables that are names of children, with the child's key."""


class Identity(NamedTuple):
    """`artifacts` is None where the URI is refused; `variables` is then empty.

    references  the reference a variable stands for, where its value follows from one
    """

    name: str
    namespace: str
    model_name: str
    label: str
    sanitized: str
    names: Mapping[str, str]
    artifacts: Artifacts | None
    variables: Mapping[str, str]
    references: Mapping[str, str]
    ports: Mapping[str, int]
    findings: tuple[Diagnostic, ...]


def identity(document: Mapping[str, Any], root: Node, *, as_is: bool) -> Identity:
    """The identity of a decoded ModelService, whose tree is `root`."""
    metadata, spec = document.get("metadata", {}), document.get("spec", {})
    name, model_name = metadata.get("name", ""), spec.get("routing", {}).get("modelName", "")
    names = naming.names(name, as_is=as_is)
    label = naming.model_label(model_name, as_is=as_is)
    artifacts, refused = _artifacts(spec, root, as_is)
    found = Identity(
        name=name,
        namespace=metadata.get("namespace", ""),
        model_name=model_name,
        label=label,
        sanitized=_sanitized(model_name, label, as_is),
        names=names,
        artifacts=artifacts,
        variables={},
        references={},
        ports=_ports(spec),
        findings=(*refused, *_findings(name, model_name, root, as_is)),
    )
    if artifacts is None:
        return found
    variables = _variables(found, artifacts, spec)
    return found._replace(variables=variables, references=_references(found, variables))


def _artifacts(
    spec: Mapping[str, Any], root: Node, as_is: bool
) -> tuple[Artifacts | None, list[Diagnostic]]:
    given = spec.get("modelArtifacts", {})
    uri, size = given.get("uri", ""), given.get("size", "")
    secret = given.get("authSecretName", "")
    made = as_made(uri, secret, size)
    span = root.nearest("spec", "modelArtifacts", "uri").span
    if not as_is:
        try:
            return corrected(uri, secret, size), []
        except UriFault as fault:
            blind = made is not None and made.volume is None
            tail = ": the operator mounts a volume that is not there" if blind else ""
            return None, [error("I846", f"{fault}{tail}", span, fault.hint)]
    if made is None:
        hint = "the operator knows hf://… and pvc://…"
        return None, [error("I834", f"unsupported prefix: `{uri}`", span, hint)]
    if made.volume is None:
        said = f"`{uri}` gives no volume: a container that mounts the weights cannot start"
        return made, [warning("I846", said, span, "hf:// takes ORG/MODEL, pvc:// takes CLAIM/PATH")]
    return made, []


def _sanitized(model_name: str, label: str, as_is: bool) -> str:
    """What templates see of the label, which is not empty where the label is."""
    is_lost = as_is and naming.cut_name(model_name) is None
    return naming.DEFAULT_MODEL_NAME if is_lost else label


def _ports(spec: Mapping[str, Any]) -> dict[str, int]:
    """Ports by name; of two of a name the first counts."""
    found: dict[str, int] = {}
    for port in spec.get("routing", {}).get("ports", []):
        found.setdefault(port.get("name", ""), port.get("port", 0))
    return found


def _variables(found: Identity, artifacts: Artifacts, spec: Mapping[str, Any]) -> dict[str, str]:
    return {
        "ModelServiceName": found.name,
        "ModelServiceNamespace": found.namespace,
        "ModelName": found.model_name,
        "SanitizedModelName": found.sanitized,
        "HFModelName": artifacts.hf_name,
        "ModelPath": artifacts.path,
        "MountedModelPath": artifacts.mounted_path,
        "AuthSecretName": spec.get("modelArtifacts", {}).get("authSecretName", ""),
        **{variable: found.names[key] for variable, key in _VARIABLES.items()},
    }


def _references(found: Identity, variables: Mapping[str, str]) -> dict[str, str]:
    references = {"ModelName": _MODEL, "ModelServiceName": _NAME, "InferenceModelName": _NAME}
    for variable, key in _VARIABLES.items():
        suffix = naming.SUFFIXES.get(key)
        if suffix and variables[variable] == f"{found.name}-{suffix}":
            references[variable] = f"{_NAME}-{suffix}"
    for variable in ("HFModelName", "ModelPath"):
        if variables[variable] == found.model_name:
            references[variable] = _MODEL
    if variables["AuthSecretName"]:
        references["AuthSecretName"] = _SECRET
    return {name: each for name, each in references.items() if variables[name]}


def _findings(name: str, model_name: str, root: Node, as_is: bool) -> Iterator[Diagnostic]:
    at = root.nearest("metadata", "name").span
    yield from _repeated_ports(root)
    if not name:
        yield error("I834", "a ModelService needs `metadata.name`", at)
        return
    cut = naming.names(name, as_is=True)
    whole = naming.names(name, as_is=False)
    changed = [key for key in naming.SUFFIXES if cut[key] != whole[key]]
    if changed:
        same = cut["decodeDeployment"] == cut["prefillDeployment"]
        said = "gives decode and prefill the same name" if same else "cuts names at 63 characters"
        yield _named(f"the operator {said}: {cut[changed[0]]}", at, as_is, whole[changed[0]])
    at = root.nearest("spec", "routing", "modelName").span
    label = naming.model_label(model_name, as_is=True)
    wanted = naming.model_label(model_name, as_is=False)
    if not wanted and not as_is:
        yield error("I843", "`modelName` has no letter or digit to make a label of", at)
    elif label != wanted:
        said = (
            f"cuts the label llm-d.ai/model to `{label}`"
            if label
            else ("makes the label llm-d.ai/model empty, which every such model shares")
        )
        yield _named(f"the operator {said}", at, as_is, wanted)


def _repeated_ports(root: Node) -> Iterator[Diagnostic]:
    seen: dict[Any, Node] = {}
    ports = root.get("spec", "routing", "ports")
    for port in ports.value if ports is not None and isinstance(ports.value, list) else ():
        named = port.get("name")
        if named is None or isinstance(named.value, dict | list):
            continue
        first = seen.setdefault(named.value, named)
        if first is not named:
            message = f"the port `{named.value}` stands twice: the operator uses the first"
            notes = [Note("the one it uses", first.span)]
            yield warning("I835", message, named.span, "take one of them out", notes)


def _named(message: str, at: Any, as_is: bool, wanted: str) -> Diagnostic:
    if as_is:
        return warning("I843", f"{message}; this is kept", at, "choose a shorter name")
    return warning("I843", f"{message}; it becomes {wanted}", at, "choose a shorter name")
