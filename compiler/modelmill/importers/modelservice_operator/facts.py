"""What is known of a ModelService and its BaseConfig once they are rendered.

In: built by `rendering`. Out: read by whoever makes a Model and a Preset of it. Plain values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from modelmill.as_modelservice import KEYS
from modelmill.diagnostics import Diagnostic
from modelmill.tree import Node, word
from modelmill.tuples import NamedTuple

RoleName: TypeAlias = Literal["decode", "prefill"]
ROLES: tuple[RoleName, ...] = ("decode", "prefill")
CHILDREN = KEYS
"""The keys of the operator's dry run. `configMaps` is a list, every other an object."""
BASE_KEYS = CHILDREN[:10]
"""The keys the operator reads of a BaseConfig, in its order."""


class Settings(NamedTuple):
    """What the operator was started with."""

    epp_cluster_role: str = ""
    epp_pull_secrets: tuple[str, ...] = ()
    pd_pull_secrets: tuple[str, ...] = ()


class Source(NamedTuple):
    """A ModelService and the BaseConfig it refers to, as they stand.

    modelservice  the document of kind ModelService
    baseconfig    the document of kind ConfigMap, None without one
    texts         the files' text by name: places inside block scalars are found in it
    findings      warnings: documents and repeated keys that are ignored
    """

    modelservice: Node
    baseconfig: Node | None
    texts: Mapping[str, str]
    findings: tuple[Diagnostic, ...]

    @property
    def name(self) -> str:
        """metadata.name of the ModelService."""
        return word(self.modelservice.get("metadata", "name"))

    @property
    def baseconfig_name(self) -> str:
        """spec.baseConfigMapRef.name of the ModelService, empty without one."""
        return word(self.modelservice.get("spec", "baseConfigMapRef", "name"))


class AcceleratorTypes(NamedTuple):
    label_key: str
    label_values: tuple[str, ...]


class RoleFacts(NamedTuple):
    """A role whose Deployment is made.

    deployment  its name
    replicas    None where neither side says
    tensor      parallelism.tensor of the ModelService, None where it is not said
    in_stanza   the ModelService has a stanza for it
    in_base     the BaseConfig has a Deployment for it
    engine      the container that runs the engine, None where none can be told
    mounts      containers and init containers that have the weights mounted
    """

    role: RoleName
    deployment: str
    replicas: int | None
    tensor: int | None
    accelerators: AcceleratorTypes | None
    in_stanza: bool
    in_base: bool
    engine: str | None
    mounts: tuple[str, ...]


class Facts(NamedTuple):
    """A ModelService in brief.

    label           value of llm-d.ai/model
    size            modelArtifacts.size, empty where it is not said
    auth_secret     modelArtifacts.authSecretName, empty likewise
    ports           routing.ports by name; of two of a name the first counts
    routing_port    the port clients reach, from the pool, the route or the decode Service
    gateways        routing.gatewayRefs
    variables       what templates see, by name
    """

    name: str
    namespace: str
    model_name: str
    label: str
    uri: str
    size: str
    auth_secret: str
    roles: Mapping[RoleName, RoleFacts]
    ports: Mapping[str, int]
    routing_port: int | None
    gateways: tuple[Mapping[str, Any], ...]
    decouple_scaling: bool
    variables: Mapping[str, str]


class Rendered(NamedTuple):
    """What the operator makes of a source, or what it should. Plain values; in a `live_` twin,
    what a template only printed is a `Live` reference.

    children  the operator's mapping: keys of CHILDREN, absent ones left out
    before    the BaseConfig's own objects after templating and before the merge
    spec      the ModelService's spec, its templates evaluated: what lies over `before`
    facts     None where there are errors; the mappings are then empty
    findings  tidied
    """

    children: Mapping[str, Any]
    live_children: Mapping[str, Any]
    before: Mapping[str, Any]
    live_before: Mapping[str, Any]
    spec: Mapping[str, Any]
    live_spec: Mapping[str, Any]
    facts: Facts | None
    findings: tuple[Diagnostic, ...]
