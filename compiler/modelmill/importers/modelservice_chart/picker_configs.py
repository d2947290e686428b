"""Configurations of the endpoint picker that chart v0.2 put beside the user's own.

In: nothing. Out: the ConfigMap's files by name, as text: the picker's pods mount them, so that
their words are part of what runs.
"""

from __future__ import annotations

from collections.abc import Mapping

_DEFAULT = """\
apiVersion: inference.networking.x-k8s.io/v1alpha1
kind: EndpointPickerConfig
plugins:
- type: prefix-cache-scorer
  parameters:
    hashBlockSize: 5
    maxPrefixBlocksToMatch: 256
    lruCapacityPerServer: 31250
- type: decode-filter
- type: max-score-picker
- type: single-profile-handler
schedulingProfiles:
- name: default
  plugins:
  - pluginRef: decode-filter
  - pluginRef: max-score-picker
  - pluginRef: prefix-cache-scorer
    weight: 50
"""

_TRACKING = """\
apiVersion: inference.networking.x-k8s.io/v1alpha1
kind: EndpointPickerConfig
plugins:
  - type: single-profile-handler
  - type: decode-filter
  - type: prefix-cache-scorer
    parameters:
      mode: cache_tracking
      indexerConfig:
        tokenProcessorConfig:
          blockSize: 64                         # must match vLLM block size if not default (16)
          hashSeed: "42"                        # must match PYTHONHASHSEED in vLLM pods
        kvBlockIndexConfig:
          enableMetrics: true                   # enable kv-block index metrics (prometheus)
          metricsLoggingInterval: 60000000000   # log kv-block metrics as well (1m in nanoseconds)
  - type: kv-cache-scorer # kv-cache-utilization
  - type: queue-scorer
  - type: max-score-picker
schedulingProfiles:
  - name: default
    plugins:
      - pluginRef: decode-filter
      - pluginRef: prefix-cache-scorer
        weight: 3.0
      - pluginRef: kv-cache-scorer
        weight: 1.0
      - pluginRef: queue-scorer
        weight: 1.0
      - pluginRef: max-score-picker
"""

_ESTIMATE = """\
apiVersion: inference.networking.x-k8s.io/v1alpha1
kind: EndpointPickerConfig
plugins:
- type: single-profile-handler
- type: decode-filter
- type: prefix-cache-scorer
- type: load-aware-scorer
- type: max-score-picker
schedulingProfiles:
- name: default
  plugins:
  - pluginRef: decode-filter
  - pluginRef: prefix-cache-scorer
    weight: 2.0
  - pluginRef: load-aware-scorer
    weight: 1.0
  - pluginRef: max-score-picker
"""

_DISAGGREGATED = """\
apiVersion: inference.networking.x-k8s.io/v1alpha1
kind: EndpointPickerConfig
plugins:
- type: prefill-header-handler
- type: prefix-cache-scorer
  parameters:
    hashBlockSize: 5
    maxPrefixBlocksToMatch: 256
    lruCapacityPerServer: 31250
- type: prefill-filter
- type: decode-filter
- type: max-score-picker
- type: pd-profile-handler
  parameters:
    threshold: 10
    hashBlockSize: 5
schedulingProfiles:
- name: prefill
  plugins:
  - pluginRef: prefill-filter
  - pluginRef: max-score-picker
  - pluginRef: prefix-cache-scorer
    weight: 50
- name: decode
  plugins:
  - pluginRef: decode-filter
  - pluginRef: max-score-picker
  - pluginRef: prefix-cache-scorer
    weight: 50
"""

CONFIGS: Mapping[str, str] = {
    "default-config.yaml": _DEFAULT,
    "prefix-cache-tracking-config.yaml": _TRACKING,
    "prefix-estimate-config.yaml": _ESTIMATE,
    "default-pd-config.yaml": _DISAGGREGATED,
}
