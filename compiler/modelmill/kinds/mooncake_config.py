"""ConfigMap by which clients of a Mooncake store find it, one for each role that has one.

Its name ends in a digest of what it says, so that a change restarts the pods that read it once.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import kv_cache, names
from modelmill.resource import Resource, resource
from modelmill.variant import Variant


def emit(variant: Variant) -> Iterable[Resource]:
    for key in variant.roles:
        if kv_cache.store_config(variant, key):
            yield resource(
                "v1",
                "ConfigMap",
                kv_cache.store_name(variant, key),
                labels=names.labels(variant.name, key, variant.labels),
                data={kv_cache.STORE_FILE: kv_cache.store_text(variant, key)},
            )
