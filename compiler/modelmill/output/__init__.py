"""The one door to generated/: what is there, how it differs from what is wanted, and the write.

In: the wanted files by unit. Out: a survey, its diagnostics, the changes made. Nothing above this
package opens a file below generated/, and nothing in it knows what the files mean.

    with lock(root):
        found = survey(root, "generated", wanted)
        write(found)

Layout: `<unit>/…` and `<unit>/modelmill.json`, its ledger; a unit is a model's directory or
`_environments/<env>`. `.modelmill-unfinished` is there only while a write is, or was cut off.
"""

from modelmill.output.disk import DISK, Disk
from modelmill.output.findings import diagnose, obstacles
from modelmill.output.ledger import ENVIRONMENTS, JOURNAL, LEDGER, MARKER, Unit
from modelmill.output.locking import lock
from modelmill.output.state import Old, Survey
from modelmill.output.tree import survey
from modelmill.output.writing import write

__all__ = [
    "DISK",
    "ENVIRONMENTS",
    "JOURNAL",
    "LEDGER",
    "MARKER",
    "Disk",
    "Old",
    "Survey",
    "Unit",
    "diagnose",
    "lock",
    "obstacles",
    "survey",
    "write",
]
