"""A model as KServe's LLMInferenceService (serving.kserve.io/v1alpha2).

In: a variant. Out: the resource, alone or over LLMInferenceServiceConfigs made of presets, and what
KServe would do with it. What a Model does not say is left to the presets that every cluster with
KServe has.
"""
