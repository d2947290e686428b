"""Secrets that are referred to: an operator makes them from a store, no value stands in Git."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from modelmill.formats import DnsName, Duration, SecretKey
from modelmill.record import EMPTY, Record, field


class ExternalSecretKey(Record):
    """One value of a secret store."""

    noun = "a remote key"

    key: str = field("Key in the store.")
    property: str | None = field("Property of that key's value.", default=None)
    version: str | None = field("Version of it.", default=None)


class ExternalSecret(Record):
    """A Secret that the External Secrets operator makes from a store. Values never stand here."""

    noun = "an external secret"
    misnomers = {"secretStoreRef": "store", "dataFrom": "extract", "refresh": "refreshInterval"}

    store: DnsName = field("Name of the SecretStore.")
    store_kind: Literal["SecretStore", "ClusterSecretStore"] = field(
        "Its kind.", default="ClusterSecretStore"
    )
    refresh_interval: Duration = field("Time between two looks at the store.", default="1h")
    type: str | None = field(
        "Type of the Secret: kubernetes.io/dockerconfigjson for a pull secret. Opaque unless "
        "given.",
        default=None,
    )
    data: Mapping[SecretKey, ExternalSecretKey] = field(
        "Where each key of the Secret comes from.", default=EMPTY
    )
    extract: str | None = field(
        "Key of the store whose properties all become keys of the Secret.", default=None
    )
