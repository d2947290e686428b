"""The specification of a model's LLMInferenceService.

In: a variant. Out: all of it, but for what KServe's presets say.
"""

from __future__ import annotations

from modelmill import gotypes
from modelmill.containers import Manifest, given, over
from modelmill.diagnostics import Diagnostic
from modelmill.kserve import types
from modelmill.kserve.engine import adapter_limits
from modelmill.kserve.escaping import escaped, unfrozen
from modelmill.kserve.router import router
from modelmill.kserve.storage import has_weights, model
from modelmill.kserve.workloads import workload
from modelmill.kserve_identity import PREFILL
from modelmill.variant import Variant


def full_spec(variant: Variant) -> Manifest:
    """The specification, with what is written under `kserve.fields` as it stands there."""
    fields = variant.spec.kserve.fields if variant.spec.kserve else None
    return over(escaped(_spec(variant)), unfrozen(fields))


def unfit_fields(variant: Variant) -> tuple[Diagnostic, ...]:
    """What is wrong with fields of people's own: some that KServe's CRD does not have, or that are
    of another type. Nothing can be made of a specification with them."""
    fields = variant.tree.get("kserve", "fields")
    if fields is None:
        return ()
    vocabulary = types.vocabulary("C584", is_partial=True)
    return gotypes.decode(fields, types.SPEC, vocabulary, zeros=True).findings


def _spec(variant: Variant) -> Manifest:
    decode = next((key for key in variant.roles if variant.part(key) != PREFILL), None)
    prefill = next((key for key in variant.roles if variant.part(key) == PREFILL), None)
    return {
        "model": model(variant, adapter_limits(variant)),
        **({} if has_weights(variant) else {"storageInitializer": {"enabled": False}}),
        **given(tracing=_tracing(variant)),
        **(workload(variant, decode) if decode is not None else {}),
        **({"prefill": workload(variant, prefill)} if prefill is not None else {}),
        **given(router=router(variant)),
    }


def _tracing(variant: Variant) -> Manifest | None:
    tracing = variant.spec.tracing
    if tracing is None:
        return None
    return {
        "exporterEndpoint": tracing.endpoint,
        "sampler": tracing.sampler,
        "samplerArg": tracing.sampler_argument,
    }
