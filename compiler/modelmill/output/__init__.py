"""The one door to generated/: what is there, how it differs from what is wanted, and the write.

In: the wanted files by unit. Out: a survey, its diagnostics, the changes made. Nothing above this
package opens a file below generated/, and nothing in it knows what the files mean.

    with lock(root):
        found = survey(root, "generated", wanted)
        write(found)

Where many processes share the work, each has a `Part`, of which it tells the first a `Summary`:

    start = ground(root, "generated")            # the first process, before there are others
    part = Part(start); add(part, name, unit)    # every process, for each of its own units
    sweep(part, all_names)                       # the first process
    found = joined(part, summaries)
    write(found, others=give_an_order)           # the others: obey(part, order)

Layout: `<unit>/…` and `<unit>/modelmill.json`, its ledger; a unit is a model's directory or
`_environments/<env>`. `.modelmill-unfinished` is there only while a write is, or was cut off.
"""

from modelmill.filetree import ENVIRONMENTS, Unit
from modelmill.output.disk import DISK, Disk
from modelmill.output.findings import diagnose, obstacles
from modelmill.output.ground import ground
from modelmill.output.ledger import JOURNAL, LEDGER, MARKER, contents
from modelmill.output.locking import lock
from modelmill.output.state import Ground, Part, Summary, Survey, joined, summary
from modelmill.output.tree import add, look_away, survey, sweep
from modelmill.output.verifying import verified
from modelmill.output.writing import DIED, Answer, Order, obey, write

__all__ = [
    "DIED",
    "DISK",
    "ENVIRONMENTS",
    "JOURNAL",
    "LEDGER",
    "MARKER",
    "Answer",
    "Disk",
    "Ground",
    "Order",
    "Part",
    "Summary",
    "Survey",
    "Unit",
    "add",
    "contents",
    "diagnose",
    "ground",
    "joined",
    "lock",
    "look_away",
    "obey",
    "obstacles",
    "summary",
    "survey",
    "sweep",
    "verified",
    "write",
]
