"""``penstock streams history``: which releases of a stream carried which image."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from penstock.cli.options import arches_option, ledger_option
from penstock.cli.output import Output, Shown, Table, emit, output_option
from penstock.cli.running import run_async
from penstock.cli.streams.documents import talk
from penstock.model.arch import Arch
from penstock.model.errors import InputError
from penstock.model.marketplace import PurchasePlan

if TYPE_CHECKING:
    from penstock.streams.history.periods import Moment, Question
    from penstock.streams.history.reading import History

_SHORT_ID: Final = 12
_NOTES: Final = 5
_FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("history")
@click.argument("file", metavar="[FILE]", type=click.Path(path_type=Path), required=False)
@click.option(
    "--image", default="", show_default="all", metavar="KEY", help="Tell where this one was: an AMI, URN, SHA-256, file name or release."
)
@arches_option
@click.option("--platform", "--cloud", "platforms", metavar="P", multiple=True, help="Ask for this platform or cloud; may be repeated.")
@click.option(
    "--plan",
    "plans",
    callback=lambda _context, _option, names: _known_plans(names),
    metavar="PLAN",
    multiple=True,
    help="Ask for this plan of a marketplace (ocp, no-purchase-plan, …); may be repeated.",
)
@click.option("--from", "origin", type=click.Choice(["git", "ledger"]), default="git", help="Ask the file's repository, or the ledger.")
@click.option("--repo", type=_FOLDER, metavar="DIR", help="Take FILE in this repository, a bare one too.", show_default="FILE's own")
@click.option("--revision", default="HEAD", metavar="REV", help="Let the history end with this commit.", show_default=True)
@ledger_option
@output_option
def history_command(
    *,
    file: Path | None,
    image: str,
    arches: tuple[Arch, ...],
    platforms: tuple[str, ...],
    plans: tuple[str, ...],
    origin: str,
    repo: Path | None,
    revision: str,
    ledger: str | None,
    output: Output,
) -> None:
    """List which releases of a stream carried which image.

    FILE is a stream or a marketplace file in a git repository, which is read
    without a checkout: every commit of the main line that changed it, through
    renames. For each slot the periods are told from the first commit that had
    the image to the first one that no longer had it; an image that a revert
    brought back has two. A commit whose file cannot be read is passed over.

    \b
    Examples:
      penstock streams history data/data/coreos/rhcos.json --image ami-0123456789
      penstock streams history marketplace/coreos-rhel-9.json --plan ocp
      penstock streams history --from ledger --image ami-0123456789 -o json
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.streams.history.periods import Question

    if file is None and (origin == "git" or not image):
        raise click.UsageError("Missing argument 'FILE'." if origin == "git" else "--from ledger needs FILE or --image")
    question = Question(image, tuple(arch.value for arch in arches), platforms, plans)
    if origin == "ledger":
        found = run_async(_in_ledger(question, file, ledger))
    else:
        found = run_async(_in_git(question, file or Path(), repo, revision))
    emit(_document(found, file, origin), output, lambda: _table(found))
    for passed in found.passed_over[:_NOTES]:
        talk(f"note: {_short(passed.moment)} is passed over: {passed.reason}")
    if len(found.passed_over) > _NOTES:
        talk(f"note: {len(found.passed_over) - _NOTES} more commits are passed over; -o json names them")


def _known_plans(names: tuple[str, ...]) -> tuple[str, ...]:
    known = [plan.value for plan in PurchasePlan]
    for name in names:
        if name not in known:
            raise click.BadParameter(f"{name!r} is no plan; there are {', '.join(known)}")
    return names


async def _in_git(question: "Question", file: Path, repo: Path | None, revision: str) -> "History":
    from penstock.streams.history.reading import history_of_file
    from penstock.wiring import git_history

    if not file.name or (file if repo is None else repo / file).is_dir():
        raise InputError("this is a folder, a file is wanted", subject=str(file), hint="name a stream or a marketplace file in it")
    folder, path = (file.parent, file.name) if repo is None else (repo, str(file))
    return await history_of_file(git_history(folder, path, revision=revision), question, subject=str(file))


async def _in_ledger(question: "Question", file: Path | None, place: str | None) -> "History":
    from penstock.streams.history.reading import history_in_ledger
    from penstock.wiring import open_ledger

    ledger = open_ledger(place)
    try:
        return await history_in_ledger(ledger, question, name="" if file is None else file.name)
    finally:
        await ledger.close()


def _document(found: "History", file: Path | None, origin: str) -> dict[str, Any]:
    return {
        "file": None if file is None else str(file),
        "source": origin,
        "states": found.states,
        "periods": [
            {
                "arch": period.slot.arch,
                "platform": period.slot.platform,
                "slot": period.slot.name,
                "plan": period.slot.plan,
                "release": period.carried.release,
                "image": period.carried.image,
                "sha256": period.carried.sha256,
                "from": _moment(period.since, origin),
                "to": _moment(period.until, origin) if period.until else None,
            }
            for period in found.periods
        ],
        "passed_over": [{**_moment(passed.moment, origin), "reason": passed.reason} for passed in found.passed_over],
    }


def _moment(moment: "Moment", origin: str) -> dict[str, Any]:
    return {"commit" if origin == "git" else "document": moment.id, "date": _date(moment.at_s) or None}


def _table(found: "History") -> Shown:
    def cell(moment: "Moment | None") -> str:
        return "" if moment is None else f"{_date(moment.at_s)[:10]} {_short(moment)}".lstrip()

    rows = [
        (
            period.slot.arch,
            period.slot.platform,
            period.slot.name,
            period.carried.release,
            period.carried.image,
            cell(period.since),
            cell(period.until),
        )
        for period in found.periods
    ]
    return Table(("arch", "platform", "slot", "release", "image", "from", "to"), rows)


def _short(moment: "Moment") -> str:
    return moment.id.removeprefix("sha256:")[:_SHORT_ID]


def _date(at_s: int | None) -> str:
    """RFC 3339, UTC; ``""`` for what is no date."""
    try:
        return "" if at_s is None else datetime.fromtimestamp(at_s, UTC).replace(tzinfo=None).isoformat() + "Z"
    except (ValueError, OverflowError, OSError):
        return ""
