"""The objects of one ModelService.

In: its decoded spec, the BaseConfig's decoded objects, names and artifacts. Out: the operator's
mapping of children, merged the one way or the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelmill.importers.modelservice_operator import merging
from modelmill.importers.modelservice_operator.artifacts import Artifacts
from modelmill.importers.modelservice_operator.facts import CHILDREN, ROLES, RoleName, Settings
from modelmill.importers.modelservice_operator.merging import Tree
from modelmill.tuples import NamedTuple

INFERENCE = "inference.networking.x-k8s.io"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
EPP_LABEL = "llm-d.ai/epp"
_SERVICES = ("decodeService", "prefillService", "eppService")


class Parts(NamedTuple):
    """What the children are made of.

    spec   the ModelService's spec, its templates evaluated
    base   the BaseConfig's objects by key
    names  the children's names by key
    label  value of llm-d.ai/model
    """

    name: str
    namespace: str
    spec: Tree
    base: Mapping[str, Any]
    names: Mapping[str, str]
    label: str
    artifacts: Artifacts
    settings: Settings
    as_is: bool


def children(parts: Parts) -> dict[str, Any]:
    """The children by key, in the operator's order."""
    roles = [role for role in ROLES if is_made(parts, role)]
    picker = "eppDeployment" in parts.base
    found: dict[str, Any] = {
        "configMaps": [_config_map(parts, each) for each in parts.base.get("configMaps", ())],
        **{f"{role}Deployment": _deployment(parts, role) for role in roles},
        **{f"{role}Service": _service(parts, role) for role in ROLES},
        "httpRoute": _route(parts),
        "inferencePool": _pool(parts),
        "inferenceModel": _model(parts),
        "eppDeployment": _picker(parts) if picker else None,
        "eppService": _picker_service(parts),
        "eppServiceAccount": _account(parts, "eppServiceAccount") if picker else None,
        "pdServiceAccount": _account(parts, "pdServiceAccount") if roles else None,
        "eppRoleBinding": _role_binding(parts) if picker else None,
    }
    if parts.as_is:
        found |= {key: _with_target_ports(each) for key, each in found.items() if key in _SERVICES}
    return {key: found[key] for key in CHILDREN if found.get(key)}


def _with_target_ports(service: Tree | None) -> Tree | None:
    """A Service as Go prints it: a port without a target has the target 0, which the API server
    takes for the port itself."""
    spec = service.get("spec", {}) if service else {}
    if not service or not spec.get("ports"):
        return service
    ports = [{**each, "targetPort": each.get("targetPort", 0)} for each in spec["ports"]]
    return {**service, "spec": {**spec, "ports": ports}}


def is_made(parts: Parts, role: RoleName) -> bool:
    """Whether a role has pods. The operator makes what either side has; prefill is left out, as
    its documentation promises, where the ModelService has no stanza for it."""
    in_base = f"{role}Deployment" in parts.base
    return role in parts.spec or (in_base and (parts.as_is or role == "decode"))


def pod_labels(parts: Parts, role: RoleName) -> dict[str, str]:
    return {**common_labels(parts), "llm-d.ai/role": role}


def common_labels(parts: Parts) -> dict[str, str]:
    return {"llm-d.ai/inferenceServing": "true", "llm-d.ai/model": parts.label}


def _merged(parts: Parts, key: str, upper: Tree) -> Tree:
    merge = merging.as_made if parts.as_is else merging.corrected
    return merge(parts.base.get(key, {}), upper)


def _object(
    parts: Parts, key: str, kind: str, version: str, labels: Mapping[str, str] | None = None
) -> Tree:
    metadata: Tree = {"name": parts.names[key]}
    if parts.namespace:
        metadata["namespace"] = parts.namespace
    if labels:
        metadata["labels"] = dict(labels)
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def _config_map(parts: Parts, base: Tree) -> Tree:
    metadata = base.get("metadata", {})
    if parts.namespace and not str(metadata.get("namespace", "")).strip():
        metadata = {**metadata, "namespace": parts.namespace}
    return {**base, "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


def _deployment(parts: Parts, role: RoleName) -> Tree:
    key = f"{role}Deployment"
    stanza = parts.spec.get(role, {})
    labels = pod_labels(parts, role)
    pod: Tree = {"serviceAccountName": parts.names["pdServiceAccount"]}
    for listed in ("initContainers", "containers"):
        if stanza.get(listed):
            pod[listed] = [container(parts, each) for each in stanza[listed]]
    if parts.artifacts.volume:
        pod["volumes"] = [parts.artifacts.volume]
    terms = accelerator_terms(stanza)
    if terms and parts.as_is:
        pod["affinity"] = _node_affinity(terms)
    spec: Tree = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    if "replicas" in stanza:
        spec["replicas"] = stanza["replicas"]
    upper = {**_object(parts, key, "Deployment", "apps/v1", labels), "spec": spec}
    made = _merged(parts, key, upper)
    return made if parts.as_is or not terms else _with_terms(made, terms)


def container(parts: Parts, given: Tree) -> Tree:
    """A container of a role's stanza. Where it has the weights mounted, the operator puts their
    environment in the place of its own."""
    kept = {k: v for k, v in given.items() if k != "mountModelVolume"}
    if parts.as_is:
        kept = {key: value for key, value in kept.items() if value not in ("", [])}
    if not given.get("mountModelVolume"):
        return kept
    own = [] if parts.as_is else kept.pop("env", [])
    kept.pop("env", None)
    named = {each.get("name") for each in own}
    env = [*own, *(each for each in parts.artifacts.env if each["name"] not in named)]
    return {**kept, **({"env": env} if env else {}), "volumeMounts": [parts.artifacts.mount]}


def accelerator_terms(stanza: Tree) -> list[Tree]:
    """The expression `acceleratorTypes` means; none where its key or its values are empty."""
    types = stanza.get("acceleratorTypes", {})
    key, values = types.get("labelKey"), types.get("labelValues")
    return [{"key": key, "operator": "In", "values": values}] if key and values else []


def _node_affinity(expressions: list[Tree]) -> Tree:
    return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": expressions}]}}}


def _with_terms(deployment: Tree, expressions: list[Tree]) -> Tree:
    """A Deployment whose pods need these expressions besides what they need already."""
    pod = deployment["spec"]["template"]["spec"]
    affinity = pod.get("affinity", {})
    node = affinity.get("nodeAffinity", {})
    terms = node.get(REQUIRED, {}).get("nodeSelectorTerms") or [{}]
    both = [
        {**term, "matchExpressions": [*term.get("matchExpressions", ()), *expressions]}
        for term in terms
    ]
    required = {**node.get(REQUIRED, {}), "nodeSelectorTerms": both}
    changed = {**pod, "affinity": {**affinity, "nodeAffinity": {**node, REQUIRED: required}}}
    template = {**deployment["spec"]["template"], "spec": changed}
    return {**deployment, "spec": {**deployment["spec"], "template": template}}


def _service(parts: Parts, role: RoleName) -> Tree | None:
    """A role's Service; one whose role has no pods stays as the BaseConfig has it, or goes."""
    key = f"{role}Service"
    if key not in parts.base:
        return None
    if not is_made(parts, role):
        return parts.base[key] if parts.as_is else None
    upper = _object(parts, key, "Service", "v1")
    return _merged(parts, key, {**upper, "spec": {"selector": pod_labels(parts, role)}})


def _route(parts: Parts) -> Tree | None:
    key = "httpRoute"
    references = parts.spec.get("routing", {}).get("gatewayRefs", [])
    if key not in parts.base and not references:
        return None
    upper = _object(parts, key, "HTTPRoute", "gateway.networking.k8s.io/v1")
    if parts.as_is:
        spec = {"spec": {"parentRefs": references}} if references else {}
        return _merged(parts, key, {**upper, **spec})
    made = _merged(parts, key, upper)
    spec = made.get("spec", {})
    joined = merging.parents(spec.get("parentRefs", []), references, parts.namespace)
    return {**made, "spec": {**spec, "parentRefs": joined}} if joined else made


def _pool(parts: Parts) -> Tree | None:
    key = "inferencePool"
    if key not in parts.base:
        return None
    upper = _object(parts, key, "InferencePool", f"{INFERENCE}/v1alpha2")
    spec = {
        "selector": common_labels(parts),
        "extensionRef": {"name": parts.names["eppService"]},
    }
    return _merged(parts, key, {**upper, "spec": spec})


def _model(parts: Parts) -> Tree | None:
    """The InferenceModel, of which labels are replaced and the rest is kept."""
    key = "inferenceModel"
    if key not in parts.base:
        return None
    base = parts.base[key]
    upper = _object(parts, key, "InferenceModel", f"{INFERENCE}/v1alpha2", common_labels(parts))
    metadata = {**base.get("metadata", {}), **upper["metadata"]}
    if not parts.namespace:
        metadata.pop("namespace", None)
    spec = base.get("spec", {})
    pool = {**spec.get("poolRef", {}), "name": parts.names["inferencePool"]}
    model_name = parts.spec.get("routing", {}).get("modelName", "")
    return {
        **upper,
        "metadata": metadata,
        "spec": {**spec, "modelName": model_name, "poolRef": pool},
    }


def _picker(parts: Parts) -> Tree:
    key = "eppDeployment"
    labels = {EPP_LABEL: parts.names[key]}
    stanza = parts.spec.get("endpointPicker", {})
    pod: Tree = {"serviceAccountName": parts.names["eppServiceAccount"]}
    for listed in ("initContainers", "containers"):
        if stanza.get(listed):
            plain = [
                {k: v for k, v in c.items() if k != "mountModelVolume"} for c in stanza[listed]
            ]
            pod[listed] = [container(parts, each) for each in plain]
    spec: Tree = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    if "replicas" in stanza:
        spec["replicas"] = stanza["replicas"]
    upper = {**_object(parts, key, "Deployment", "apps/v1", labels), "spec": spec}
    return _merged(parts, key, upper)


def _picker_service(parts: Parts) -> Tree | None:
    key = "eppService"
    if key not in parts.base:
        return None
    if "eppDeployment" not in parts.base:
        return parts.base[key] if parts.as_is else None
    labels = {EPP_LABEL: parts.names["eppDeployment"]}
    upper = _object(parts, key, "Service", "v1", labels)
    return _merged(parts, key, {**upper, "spec": {"selector": labels}})


def _account(parts: Parts, key: str) -> Tree:
    is_picker = key == "eppServiceAccount"
    secrets = parts.settings.epp_pull_secrets if is_picker else parts.settings.pd_pull_secrets
    made = _object(parts, key, "ServiceAccount", "v1")
    return {**made, "imagePullSecrets": [{"name": name} for name in secrets]} if secrets else made


def _role_binding(parts: Parts) -> Tree:
    made = _object(parts, "eppRoleBinding", "RoleBinding", "rbac.authorization.k8s.io/v1")
    subject = {"kind": "ServiceAccount", "name": parts.names["eppServiceAccount"]}
    if parts.namespace:
        subject["namespace"] = parts.namespace
    role = {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": parts.settings.epp_cluster_role,
    }
    return {**made, "subjects": [subject], "roleRef": role}
