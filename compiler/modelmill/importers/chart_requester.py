"""Dual pods of the chart: a ReplicaSet of requesters as `dualPods` of a role.

In: the ReplicaSet. Out: the pod that serves, which is a patch in an annotation; and the tree of the
requester, which keeps that annotation as it is: another text would be another pod.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelmill.gotypes.yaml_data import read_yaml
from modelmill.importers.pod_fields import Tree, container_tree, said, texts

DOMAIN = "dual-pod.llm-d.ai"
ADMIN_PORT, PATCH = f"{DOMAIN}/admin-port", f"{DOMAIN}/server-patch"
_DERIVED = ("image", "command", "env", "probes", "resources")

Manifest = Mapping[str, Any]


def served_template(workload: Manifest) -> Manifest:
    """Metadata and spec of the pod that serves."""
    text = workload["spec"]["template"]["metadata"]["annotations"][PATCH]
    template: Manifest = read_yaml(text)
    return template


def dual_pods_tree(workload: Manifest) -> Tree:
    template = workload["spec"]["template"]
    annotations = template["metadata"]["annotations"]
    (container,) = template["spec"]["containers"]
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    probe, limits = container["readinessProbe"], container["resources"]["limits"]
    fields = container_tree(container)
    further = {k: v for k, v in fields.items() if k not in (*_DERIVED, "ports")}
    return said(
        {
            "image": container["image"],
            "adminPort": int(annotations[ADMIN_PORT]),
            "probesPort": ports["probes"],
            "spiPort": ports["spi"],
            "initialDelaySeconds": probe["initialDelaySeconds"],
            "periodSeconds": probe["periodSeconds"],
            "limits": texts(limits),
            "container": further,
            "annotationDomain": DOMAIN,
            "annotations": {PATCH: annotations[PATCH]},
        }
    )
