"""Every diagnostic code, in order: the registry that tests, documents and reports go by.

A code's letter is its room: Y syntax, N files and names, R resolving, S fields, C checks, O output,
K kustomize. A number is never used again for something else.
"""

from __future__ import annotations

from typing import NamedTuple

from modelmill.diagnostics import Severity


class Code(NamedTuple):
    """A code, how severe its findings usually are, and what they are about."""

    code: str
    severity: Severity
    title: str


CODES: tuple[Code, ...] = (
    Code("Y101", "error", "The file is not valid YAML"),
    Code("Y102", "error", "A tab is used for indentation"),
    Code("Y103", "error", "A key stands twice in one mapping"),
    Code("Y104", "error", "Anchors and aliases are not supported"),
    Code("Y105", "error", "Tags are not supported"),
    Code("Y106", "error", "Values are nested too deep"),
    Code("Y107", "error", "The file is not UTF-8"),
    Code("Y108", "error", "The file starts with a byte order mark"),
    Code("Y109", "error", "The file is too large"),
    Code("Y110", "error", "YAML readers disagree on what a value means"),
    Code("Y111", "error", "A file holds more than one document"),
    Code("Y112", "error", "A mapping's key is not a word"),
    Code("Y113", "error", "The file holds no mapping"),
    Code("Y114", "error", "A character is not allowed"),
    Code("Y115", "error", "The path is not a readable regular file"),
    Code("Y116", "error", "A file holds too many values"),
    Code("Y117", "error", "A merge is in conflict"),
    Code("N201", "error", "The file is not a document of modelmill"),
    Code("N202", "error", "A name is taken twice"),
    Code("N203", "error", "The repository has no models"),
    Code("N204", "error", "There is no modelmill.yaml"),
    Code("N205", "error", "A folder of the repository cannot be used"),
    Code("N206", "error", "The repository has a second Project"),
    Code("N207", "error", "An environment has no environment.yaml"),
    Code("N208", "error", "The version set, or an image of it, is unknown"),
    Code("N209", "error", "A file among the inputs has another ending"),
    Code("R301", "error", "A preset is unknown"),
    Code("R302", "error", "Presets extend each other in a circle"),
    Code("R303", "error", "An environment is unknown"),
    Code("R304", "error", "A reference leads nowhere"),
    Code("R305", "error", "References form a circle"),
    Code("R306", "error", "A reference cannot be read"),
    Code("R307", "error", "A reference has a value of the wrong type"),
    Code("R308", "error", "A preset's file has errors"),
    Code("R309", "error", "References grow too large"),
    Code("R310", "error", "A role extends a preset that sets more than a role has"),
    Code("S401", "error", "A key is not a field"),
    Code("S402", "error", "A value has the wrong type"),
    Code("S403", "error", "A required field is missing"),
    Code("S404", "error", "A value is not among those allowed"),
    Code("S405", "error", "A value does not have the form it must have"),
    Code("S406", "error", "Fields exclude each other"),
    Code("C501", "error", "A model has no role, or a role no engine"),
    Code("C502", "error", "The weights cannot be found from `model.uri`"),
    Code("C503", "warning", "A revision has no meaning for these weights"),
    Code("C504", "error", "An image is not pinned"),
    Code("C505", "error", "A role has no accelerator"),
    Code("C506", "error", "A pod needs more accelerators than a node has"),
    Code("C507", "error", "Accelerators asked for do not match parallelism"),
    Code("C508", "error", "Prefill has no decode"),
    Code("C509", "error", "Prefill and decode cannot hand the KV cache over"),
    Code("C510", "warning", "An engine flag is unknown"),
    Code("C511", "error", "An engine flag belongs to a field"),
    Code("C512", "error", "An engine flag is removed or deprecated"),
    Code("C513", "error", "An engine flag or its value is written wrong"),
    Code("C514", "warning", "A name is too long and is shortened"),
    Code("C515", "error", "The endpoint picker's profiles do not hold together"),
    Code("C516", "error", "An extra object is not a Kubernetes object"),
    Code("C517", "error", "An extra object holds a secret"),
    Code("C518", "error", "The same object is generated twice"),
    Code("C519", "error", "Two models serve the same name behind one route"),
    Code("C520", "error", "Two routes match the same requests"),
    Code("C521", "warning", "No environment takes a model"),
    Code("C522", "warning", "An environment takes no model"),
    Code("C523", "error", "A patch does not fit the object it is for"),
    Code("C524", "error", "A patch hits nothing"),
    Code("C525", "error", "An object would be dropped or taken for another"),
    Code("C526", "error", "A label that modelmill sets is set by hand"),
    Code("C527", "error", "A role does not say what it serves"),
    Code("C528", "error", "An environment variable holds a secret"),
    Code("C529", "error", "An engine does not run on its accelerator"),
    Code("O601", "error", "A generated file is out of date"),
    Code("O602", "error", "A generated file was edited by hand"),
    Code("O603", "error", "A file is no longer generated"),
    Code("O604", "error", "A generated file is missing"),
    Code("O605", "error", "An earlier compile was cut off"),
    Code("O606", "error", "Another compile is running"),
    Code("O607", "error", "A file stands where modelmill must write"),
    Code("O608", "error", "A symbolic link stands where modelmill must write"),
    Code("O609", "error", "Reading or writing generated/ failed"),
    Code("O610", "warning", "A file in generated/ is not modelmill's"),
    Code("K701", "error", "kustomize was not found"),
    Code("K702", "error", "A kustomize build failed"),
    Code("K703", "error", "A kustomize build took too long"),
    Code("K704", "error", "A kustomize build gave too much output"),
)
