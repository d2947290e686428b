"""Which files of a repository a source of Flux keeps.

In: a site. Out: patterns of `spec.ignore`, in the order of a gitignore: the last that fits wins.

A source with patterns of its own leaves out nothing else but Git's own files (source-controller,
SourceIgnoreFilter), and what a `.sourceignore` of the repository says comes before them. What is
below a folder that is left out cannot be kept, so each folder on the way is kept by name.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelmill.delivery.sites import Site
from modelmill.filetree import ENVIRONMENTS
from modelmill.regexes import regex

_special = regex(r"[][*?\\!# ]")


def generated(site: Site) -> str:
    """All of generated/."""
    return _lines(_down_to(site))


def delivered(site: Site, folder: str) -> str:
    """What brings each model into the environment, and the environment itself; no other file: no
    kustomization of a model either, of which there would be no end."""
    top, own = "/" + _escaped(site.path()), "/" + _escaped(site.environment_path())
    return _lines(
        [
            *_down_to(site),
            f"{top}/*/*",
            f"!{top}/*/{folder}",
            f"{top}/*/{folder}/*",
            f"!{top}/*/{folder}/{site.environment}.yaml",
            # Environments and what controllers need once are no models.
            f"{top}/_*",
            f"!{top}/{ENVIRONMENTS}",
            f"{top}/{ENVIRONMENTS}/*",
            f"!{own}",
            f"{own}/*",
            f"!{own}/{folder}",
        ]
    )


def _down_to(site: Site) -> Iterator[str]:
    """Nothing but generated/."""
    above = ""
    for part in site.path().split("/"):
        yield f"{above}/*"
        above += "/" + _escaped(part)
        yield f"!{above}"


def _escaped(path: str) -> str:
    return _special.sub(r"\\\g<0>", path)


def _lines(patterns: list[str] | Iterator[str]) -> str:
    return "".join(f"{each}\n" for each in patterns)
