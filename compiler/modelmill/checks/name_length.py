"""C514: names past Kubernetes' limit are shortened with a hash, which people should know."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.diagnostics import Diagnostic, warning
from modelmill.names import NAME_LIMIT, child_name
from modelmill.variant import Variant

READS = "name routing.scheduler.config routing.scheduler.tokenizer worker"


def check(variant: Variant) -> Iterable[Diagnostic]:
    if variant.kserve is not None:
        return
    suffixes = {key: variant.workload_name(key) for key in variant.spec.roles}
    if variant.scheduler is not None:
        suffixes["epp"] = variant.picker_name
    tokenizer = variant.scheduler.tokenizer if variant.scheduler is not None else None
    if tokenizer is not None and tokenizer.separate:
        suffixes["tokenizer"] = child_name(variant.name, "tokenizer")
    for suffix, name in suffixes.items():
        if len(variant.name) + 1 + len(suffix) > NAME_LIMIT:
            yield warning(
                "C514",
                f"`{variant.name}-{suffix}` is longer than {NAME_LIMIT} characters; "
                f"the object is named `{name}`",
                variant.model.span,
                "a shorter model name keeps the objects' names readable",
            )
