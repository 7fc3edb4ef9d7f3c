"""A trace as plain data: the document that ``penstock trace -o json`` prints, version 1.

::

    {"version": 1,
     "artifact": {"kind": "file", "key": "sha256:…", "digest": "sha256:…", "names": ["a.iso"], "facts": {"size_bytes": 1}},
     "came_from": [{"why": ["extracted /a.iso"], "mark": "full", "artifact": {…}, "came_from": [{…}, …]}, …],
     "went_to": [{"why": […], "mark": "full", "artifact": {…}, "went_to": [{…}, …]}, …],
     "others": [{"artifact": {…}, "came_from": […], "went_to": […]}, …]}

``came_from`` or ``went_to`` is missing where it was not asked for.  ``mark`` is one of ``penstock.lineage.trace.Mark``.
``recognised`` is there where a file was looked up whose content the ledger does not know, and which is an ISO that it does know but for
what was written into its areas (``{"outside": "sha256:…", "areas": [{"offset": 1, "length": 2}, …]}``).
``others`` holds the other artifacts of the same name (a version is the name of a release for each architecture, and of their index).
"""

from collections.abc import Sequence
from typing import Any

from penstock.lineage.trace import Branch, Trace
from penstock.model.lineage import Artifact

VERSION = 1


def trace_document(traces: Sequence[Trace]) -> dict[str, Any]:
    """The document of these traces, of which there is one at least."""
    first, *others = (_trace(each) for each in traces)
    return {"version": VERSION, **first, "others": others}


def _trace(told: Trace) -> dict[str, Any]:
    document: dict[str, Any] = {"artifact": _artifact(told.artifact)}
    if told.came_from is not None:
        document["came_from"] = [_branch(branch, "came_from") for branch in told.came_from]
    if told.went_to is not None:
        document["went_to"] = [_branch(branch, "went_to") for branch in told.went_to]
    return document


def _branch(branch: Branch, onward: str) -> dict[str, Any]:
    return {
        "why": list(branch.whys),
        "mark": branch.mark.value,
        "artifact": _artifact(branch.artifact),
        onward: [_branch(inner, onward) for inner in branch.branches],
    }


def _artifact(artifact: Artifact) -> dict[str, Any]:
    return {
        "kind": artifact.kind.value,
        "key": artifact.key,
        "digest": str(artifact.digest) if artifact.digest else None,
        "names": sorted(artifact.names),
        "facts": dict(artifact.facts),
    }
