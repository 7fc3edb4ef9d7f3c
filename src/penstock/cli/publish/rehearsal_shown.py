"""What a rehearsal answers: the results of a push, what would stand in the clouds, and how often they were asked."""

from typing import TYPE_CHECKING, Any

from penstock.cli.output import Output, Table, emit
from penstock.cli.publish.push_shown import pushed_document, results_table, warn, warnings_of
from penstock.cli.text import format_size

if TYPE_CHECKING:
    from penstock.cli.publish.rehearsing import Rehearsed
    from penstock.demo.standing import Standing

_UNREAL = "a rehearsal: nothing of this is in any cloud"


def show_rehearsed(rehearsed: "Rehearsed", output: Output) -> None:
    """Print it."""
    pushed = rehearsed.pushed
    emitted = rehearsed.emitted
    unreal = [f"warning: the images in {emitted} are those of a rehearsal, and stand nowhere"] if emitted is not None else []
    warn([*warnings_of(pushed.prepared), *pushed.told, *unreal])
    emit({**pushed_document(pushed), "rehearsal": _document(rehearsed)}, output, lambda: _parts(rehearsed))


def _parts(rehearsed: "Rehearsed") -> list[Table | str]:
    standing = [(each.cloud, each.where, each.what, str(each.count), _detail(each)) for each in rehearsed.standing]
    calls = [
        (each.cloud, str(each.reading), str(sum(each.changing.values())), " ".join(f"{name} {n}" for name, n in each.changing.items()))
        for each in rehearsed.calls
    ]
    kept = f"; journal, ledger and results are in {rehearsed.folder}" if rehearsed.folder is not None else ""
    return [
        results_table(rehearsed.pushed),
        "\n",
        Table(("would stand", "where", "what", "count", "detail"), standing),
        "\n",
        Table(("asked", "reading", "changing", "calls that change"), calls),
        f"\n{_UNREAL}{kept}\n",
    ]


def _detail(standing: "Standing") -> str:
    return standing.detail if standing.size_bytes is None else format_size(standing.size_bytes)


def _document(rehearsed: "Rehearsed") -> dict[str, Any]:
    return {
        "folder": str(rehearsed.folder) if rehearsed.folder is not None else None,
        "standing": [
            {
                "cloud": each.cloud,
                "where": each.where or None,
                "what": each.what,
                "count": each.count,
                "size_bytes": each.size_bytes,
                "detail": each.detail or None,
            }
            for each in rehearsed.standing
        ],
        "calls": [{"cloud": each.cloud, "reading": each.reading, "changing": dict(each.changing)} for each in rehearsed.calls],
    }
