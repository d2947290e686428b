"""Which keys the chart's values have, of which kind, and what becomes of others.

In: nothing. Out: `shape_of` a generation. Follows values.yaml and values.schema.json of
llm-d-incubation/llm-d-modelservice: `closed` mappings are those whose other keys the schema
refuses; in an open one the chart does not look at them. What the documentation promises and the
schema refuses is `promised`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from modelmill.importers.modelservice_chart.defaults import FORMER
from modelmill.tuples import NamedTuple

Kind: TypeAlias = Literal[
    "bool", "int", "port", "number", "text", "scalar", "map", "list", "section", "any"
]
Rest: TypeAlias = Literal["closed", "open", "free"]


class Shape(NamedTuple):
    """What a value may be.

    keys      known keys of a mapping
    rest      other keys: refused (closed), not looked at by the chart (open), or the user's (free)
    rest_of   what the values of other keys are, where they are promised or free
    items     what the entries of a list are
    needed    a null here makes the chart fail
    promised  documented, but refused by the chart's schema
    """

    kind: Kind
    keys: Mapping[str, Shape] = {}
    rest: Rest = "free"
    rest_of: Shape | None = None
    items: Shape | None = None
    needed: bool = False
    promised: bool = False


ANY, BOOL, INT, PORT = Shape("any"), Shape("bool"), Shape("int"), Shape("port")
NUMBER = Shape("number")
"""A whole number, which may be in quotes: the chart writes it without."""
TEXT, SCALAR, MAP, LIST = Shape("text"), Shape("scalar"), Shape("map"), Shape("list")
MAPS = Shape("list", items=MAP)
SECTION = Shape("section")
SECTIONS = Shape("section", items=MAP)
"""YAML, or a string that a template makes YAML of."""


def closed(needed: bool = False, **keys: Shape) -> Shape:
    return Shape("map", keys, "closed", needed=needed)


def opened(needed: bool = False, **keys: Shape) -> Shape:
    return Shape("map", keys, "open", needed=needed)


def promise(shape: Shape) -> Shape:
    return shape._replace(promised=True)


_CONTAINER = opened(
    name=TEXT,
    image=TEXT,
    modelCommand=TEXT,
    command=LIST,
    args=LIST,
    env=SECTIONS,
    ports=SECTIONS,
    resources=opened(limits=MAP, requests=MAP),
    mountModelVolume=SCALAR,
    volumeMounts=MAPS,
    imagePullPolicy=TEXT,
    securityContext=MAP,
    livenessProbe=MAP,
    readinessProbe=MAP,
    startupProbe=MAP,
    workingDir=TEXT,
    stdin=SCALAR,
    tty=SCALAR,
    extraConfig=SECTION,
)

_POD_MONITOR = closed(
    enabled=BOOL,
    portName=SCALAR,
    path=TEXT,
    interval=TEXT,
    labels=MAP,
    annotations=MAP,
    relabelings=LIST,
    metricRelabelings=LIST,
    scrapeTimeout=promise(TEXT),
    namespaceSelector=promise(MAP),
)

_ROLE = opened(
    needed=True,
    create=BOOL,
    replicas=INT,
    autoscaling=closed(enabled=BOOL),
    strategy=MAP,
    annotations=MAP,
    podAnnotations=MAP,
    nodeSelector=MAP,
    tolerations=MAPS,
    schedulerName=TEXT,
    priorityClassName=TEXT,
    terminationGracePeriodSeconds=NUMBER,
    enableServiceLinks=BOOL,
    hostIPC=BOOL,
    hostPID=BOOL,
    subGroupPolicy=MAP,
    subGroupExclusiveTopology=BOOL,
    imagePullSecrets=MAPS,
    podSecurityContext=MAP,
    extraConfig=SECTION,
    parallelism=closed(tensor=INT, data=INT, dataLocal=INT, workers=INT),
    accelerator=closed(type=TEXT, dra=BOOL),
    acceleratorTypes=closed(labelKey=TEXT, labelValues=LIST),
    resourceClaims=MAPS,
    initContainers=MAPS,
    volumes=MAPS,
    monitoring=opened(podmonitor=_POD_MONITOR),
    containers=Shape("list", items=_CONTAINER),
)

_CLAIM_TEMPLATE = Shape(
    "map",
    {"name": TEXT, "class": TEXT, "match": TEXT, "selectors": MAPS, "count": promise(INT)},
    "closed",
)
_ENTRY = Shape("map", {"name": TEXT, "value": SCALAR}, "closed")


def _by_type(known: tuple[str, ...], each: Shape) -> Shape:
    """A mapping by accelerator type; the schema knows the chart's own types only."""
    return Shape("map", dict.fromkeys(known, each), "closed", promise(each), needed=True)


_INTEL = ("intel-i915", "intel-xe")
_TYPES = ("nvidia", *_INTEL, "intel-gaudi", "amd", "google")
_ACCELERATOR = closed(
    needed=True,
    type=TEXT,
    dra=BOOL,
    resources=_by_type((*_TYPES, "rebellions-atom"), TEXT),
    env=_by_type(_INTEL, Shape("list", items=_ENTRY)),
    resourceClaimTemplates=_by_type((*_TYPES, "intel"), _CLAIM_TEMPLATE),
)

_REQUESTER = opened(
    needed=True,
    enable=BOOL,
    image=TEXT,
    adminPort=PORT,
    port=opened(probes=PORT, spi=PORT),
    readinessProbe=opened(initialDelaySeconds=INT, periodSeconds=INT),
    resources=opened(limits=opened(gpus=INT, cpus=SCALAR, memory=SCALAR)),
)

_TRACING = closed(
    enabled=BOOL,
    otlpEndpoint=TEXT,
    sampling=closed(sampler=TEXT, samplerArg=SCALAR),
    serviceNames=closed(vllmDecode=TEXT, vllmPrefill=TEXT, routingProxy=TEXT),
    vllm=closed(collectDetailedTraces=SCALAR),
)

_PROXY = opened(
    needed=True,
    enabled=BOOL,
    image=TEXT,
    imagePullPolicy=TEXT,
    targetPort=PORT,
    connector=TEXT,
    secure=BOOL,
    prefillerUseTLS=BOOL,
    certPath=TEXT,
    zapDevel=BOOL,
    zapEncoder=TEXT,
    zapLogLevel=SCALAR,
    zapStacktraceLevel=TEXT,
    zapTimeEncoding=TEXT,
)

_ARTIFACTS = closed(
    needed=True,
    name=TEXT,
    labels=MAP,
    uri=TEXT,
    size=SCALAR,
    authSecretName=TEXT,
    mountPath=TEXT,
    readOnly=BOOL,
    imagePullPolicy=promise(TEXT),
)

_ROOT = {
    "common": ANY,
    "enabled": ANY,
    "global": ANY,
    "nameOverride": TEXT,
    "fullnameOverride": TEXT,
    "namespaceOverride": TEXT,
    "serviceAccountOverride": TEXT,
    "schedulerName": TEXT,
    "multinode": BOOL,
    "extraObjects": MAPS,
    "accelerator": _ACCELERATOR,
    "requester": _REQUESTER,
    "decode": _ROLE,
    "prefill": _ROLE,
}

_FORMER_PICKER = opened(
    create=BOOL,
    service=opened(type=TEXT, port=PORT, targetPort=ANY, appProtocol=TEXT, extraPorts=MAPS),
    image=TEXT,
    imagePullPolicy=TEXT,
    replicas=INT,
    debugLevel=SCALAR,
    env=MAPS,
    extraContainerPorts=MAPS,
    disableReadinessProbe=BOOL,
    disableLivenessProbe=BOOL,
    permissions=TEXT,
    pluginsConfigFile=TEXT,
    pluginsCustomConfig=MAP,
)

_FORMER_ROUTING = opened(
    needed=True,
    servicePort=PORT,
    parentRefs=MAPS,
    proxy=_PROXY._replace(keys={**_PROXY.keys, "debugLevel": SCALAR}),
    inferencePool=opened(create=BOOL, apiGroup=TEXT, name=TEXT, extensionRef=TEXT),
    inferenceModel=opened(create=BOOL, criticality=TEXT, name=TEXT),
    httpRoute=opened(
        create=BOOL, rules=MAPS, matches=MAPS, timeouts=opened(backendRequest=TEXT, request=TEXT)
    ),
    epp=_FORMER_PICKER,
)

_CURRENT = Shape(
    "map",
    {
        **_ROOT,
        "modelArtifacts": _ARTIFACTS,
        "routing": closed(
            needed=True,
            servicePort=PORT,
            proxy=_PROXY,
            parentRefs=promise(MAPS),
            modelName=promise(TEXT),
        ),
        "tracing": _TRACING,
    },
    "open",
)

_FORMER = Shape(
    "map",
    {
        **_ROOT,
        "modelArtifacts": _ARTIFACTS._replace(
            keys={k: v for k, v in _ARTIFACTS.keys.items() if k not in ("labels", "readOnly")},
            rest="open",
        ),
        "routing": _FORMER_ROUTING,
        "dra": MAP,
    },
    "open",
)


def shape_of(generation: str) -> Shape:
    """The shape of a whole values file."""
    return _FORMER if generation == FORMER else _CURRENT
