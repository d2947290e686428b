"""modelmill.lock: what the names in a repository stood for when it was last looked up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, TypeAlias

from modelmill.formats import DnsLabel, Format
from modelmill.record import EMPTY, Record, field
from modelmill.spec.documents import Header

# The digest of github.com/opencontainers/image-spec, descriptor.md, in its registered form.
Digest: TypeAlias = Annotated[
    str,
    Format(
        r"sha256:[0-9a-f]{64}",
        "a digest (sha256: and 64 hexadecimal digits)",
        "sha256:" + "0123456789abcdef" * 4,
    ),
]
Commit: TypeAlias = Annotated[
    str,
    Format(
        r"[0-9a-f]{40}",
        "a commit (40 hexadecimal digits)",
        "6f6073b423013f6a7d4d9f39144961bfbfbc386b",
    ),
]
# As `registries.whole` and `pins.model_key` write them.
ImageName: TypeAlias = Annotated[
    str,
    Format(
        r"[A-Za-z0-9.:-]+(/[a-z0-9._-]+)+(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?",
        "the whole name of an image, its registry included",
        "docker.io/vllm/vllm-openai:v0.26.0",
    ),
]
ModelKey: TypeAlias = Annotated[
    str,
    Format(
        r"hf://[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?(@\S+)?",
        "a model of the hub, with the branch or tag that was asked for",
        "hf://Qwen/Qwen3-32B@main",
    ),
]


class LockedLibrary(Record):
    """The presets of the library that were copied into the repository."""

    noun = "library"

    version: str | None = field("The modelmill they came with.", default=None)
    presets: Mapping[DnsLabel, Digest] = field(
        "sha256 of each preset's text as it was shipped, by its name.", default=EMPTY
    )


class LockDocument(Header):
    """What tags and branches stand for. Written by `modelmill lock`."""

    noun = "a Lock"
    misnomers: ClassVar[Mapping[str, str]] = {"presets": "library", "digests": "images"}

    kind: Literal["Lock"] = field("Kind of the document.")
    versions: str | None = field("The version set whose images it holds.", default=None)
    library: LockedLibrary | None = field("Where the presets came from.", default=None)
    images: Mapping[ImageName, Digest] | None = field(
        "Digests by image. Without the field nothing has been looked up yet.", default=None
    )
    models: Mapping[ModelKey, Commit] = field("Commits by model of the hub.", default=EMPTY)
