"""``penstock streams drift``: which images lag behind the build that their stream names."""

import functools
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from penstock.cli.cloud_options import AZURE_CLOUDS, azure_options
from penstock.cli.output import Output, Shown, Table, emit, output_option
from penstock.cli.running import run_async
from penstock.cli.streams.documents import DOCUMENT, STANDARD_INPUT, name_of, read_file, talk, tell
from penstock.cli.streams.drift_sinks import Sinks, check_sinks, deliver, sink_options
from penstock.cli.streams.sources import FoundStream, StreamSource, read_stream, stream_source_options
from penstock.model.errors import ExitCode, InputError, NotFoundError, TransientError
from penstock.wiring import AzureSettings

if TYPE_CHECKING:
    from penstock.model.stream import Stream
    from penstock.streams.drift.check import DriftQuestion
    from penstock.streams.drift.observing import Fallbacks
    from penstock.streams.drift.report import DriftReport
    from penstock.streams.drift.thresholds import Thresholds

F = TypeVar("F", bound=Callable[..., Any])

_BADNESS: Final = (ExitCode.DONE, ExitCode.TRY_AGAIN, ExitCode.USAGE, ExitCode.FAILED, ExitCode.MISMATCH)
"""Drift goes before all: a sink or a catalogue that fails does not undo it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What counts, as the user says.

    Attributes:
        thresholds: each ``[PLAN=]DAYS``.
        thresholds_file: or None.
        branch: or None.
        aws_floor: the oldest RHEL in the AWS Marketplace that counts.
        fallback_of: the other stream's marketplace file, or its name in the source, or None.
        provenance: the sidecar of the marketplace file, or None.
        since: the old stream, or None.
        owners: the file of owners, or None.
    """

    thresholds: tuple[str, ...]
    thresholds_file: Path | None
    branch: str | None
    aws_floor: str
    fallback_of: str | None
    provenance: Path | None
    since: Path | None
    owners: Path | None


_RULES: Final = (
    click.option(
        "--threshold",
        "thresholds",
        metavar="[PLAN=]DAYS",
        multiple=True,
        help="Let images lag this long; 'informational' for DAYS holds nobody to any. May be repeated.",
    ),
    click.option("--thresholds", "thresholds_file", type=DOCUMENT, metavar="FILE", help="Take thresholds by plan and branch from here."),
    click.option("--branch", metavar="NAME", help="Say which branch the stream is of; main and master fail nothing."),
    click.option(
        "--aws-floor",
        default="9.2",
        metavar="RHEL",
        show_default=True,
        help="Count AWS Marketplace images from this RHEL on, up to the stream's.",
    ),
    click.option(
        "--fallback-of",
        type=click.Path(allow_dash=True),
        metavar="FILE|NAME",
        help="Take entries that another stream has too for known fallbacks to it: that of a marketplace FILE, which wins, or the stream of "
        "this NAME in the same source.",
    ),
    click.option("--provenance", type=DOCUMENT, metavar="FILE", help="Take from here what populate recorded of its fallbacks."),
    click.option("--since", type=DOCUMENT, metavar="OLD_STREAM", help="List what the bump from this stream made stale, by publisher."),
    click.option("--owners", type=DOCUMENT, metavar="FILE", help="Name the owners of publishers from this file."),
)


def rule_options(command: F) -> F:
    """The options of what counts, passed as ``rules: Rules``."""

    @functools.wraps(command)
    def collect(**values: Any) -> object:  # noqa: ANN401  # whatever the command takes
        return command(rules=Rules(**{name: values.pop(name) for name in Rules.__dataclass_fields__}), **values)

    decorated: Any = collect
    for option in reversed(_RULES):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def _known_clouds(_ctx: click.Context, _param: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    """A choice of several has no default that could be shown among the choices, so it is checked here."""
    for name in names:
        if name not in AZURE_CLOUDS:
            raise click.BadParameter(f"{name!r} is no cloud of Azure: use one of {', '.join(AZURE_CLOUDS)}")
    return names


@click.command("drift")
@stream_source_options
@rule_options
@click.option("--check-catalogue", is_flag=True, help="Ask the Azure catalogue which images are gone or deprecated.")
@click.option(
    "--cloud",
    "partitions",
    callback=_known_clouds,
    metavar="NAME",
    multiple=True,
    help="See that this cloud of Azure, AzureUSGovernment or AzureChinaCloud, has the same images; may be repeated.",
)
@azure_options
@sink_options
@output_option
def drift_command(
    *,
    source: StreamSource,
    rules: Rules,
    check_catalogue: bool,
    partitions: Sequence[str],
    azure: AzureSettings,
    sinks: Sinks,
    output: Output,
) -> ExitCode:
    """Report marketplace images that lag behind their stream.

    Each place gets one status: exact, behind, ahead, wrong-rhel-major, fallback,
    missing, deprecated or unparsable. The target is the build that the stream
    has for that cloud and architecture; a lower minor of the same RHEL is
    behind, and "-N" of a build is not in Azure's versions. With 3 ends what
    goes beyond the thresholds, after every sink has its report.

    Images without a purchase plan may lag 30 days, those that the stream itself
    names none. Of paid plans age and holes are informational: --threshold
    ocp=90 holds them to a time. In every plan fails what is ahead, deprecated,
    unparsable, or of another RHEL major unless it is a known fallback. Before a
    release (a payload 5.0.0-ec.2, --branch main) nothing fails. The file of
    --thresholds, YAML or JSON, says more:

    \b
      plans: {no-purchase-plan: 14, aws/ocp: 60, oke: informational}
      branches: {main: informational, "release-4.*": 21}
      statuses: {fallback: fails}

    That of --owners tells them by publisher:

    \b
      azureopenshift: {name: …, contact: …, slack_channel: …}
      redhat: {name: …, jira: {project: …, component: …, labels: [boot]}}

    \b
    Examples:
      penstock streams drift coreos-rhel-9.json marketplace/coreos-rhel-9.json
      penstock streams drift coreos-rhel-10.json marketplace/coreos-rhel-10.json \\
        --fallback-of marketplace/coreos-rhel-9.json --junit drift.xml
      penstock streams drift --release quay.example/release:5.0.0 \\
        --fallback-of rhel-9 --check-catalogue
      penstock streams drift new.json marketplace.json --since old.json \\
        --owners owners.yaml --jira issues.json --slack -
    """  # noqa: D301  # \b keeps click from joining the lines
    check_sinks(sinks)
    fallback_of = Path(rules.fallback_of) if rules.fallback_of else None
    files = [rules.thresholds_file, fallback_of, rules.provenance, rules.since, rules.owners]
    if [*source.files, *files].count(STANDARD_INPUT) > 1:
        raise click.UsageError("Only one of the files can be '-'.")
    if azure.endpoint and check_catalogue + len(set(partitions)) > 1:
        raise click.UsageError("An endpoint is that of one cloud: ask for the others apart.")
    return run_async(_work(source, rules, _Asked(azure if check_catalogue else None, dict.fromkeys(partitions, azure)), sinks, output))


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whom to ask: the catalogue of the cloud itself, or None, and those of other clouds by name."""

    catalogue: AzureSettings | None
    partitions: dict[str, AzureSettings]


async def _work(source: StreamSource, rules: Rules, asked: _Asked, sinks: Sinks, output: Output) -> ExitCode:
    from penstock.streams.drift.document import report_document

    report = await _look(await _question(source, rules), asked)
    for note in report.notes:
        talk(f"note: {note}")
    for error in report.failures:
        tell(error)
    # Before the answer is printed: a reader of stdout that goes away ends the program.
    codes = await deliver(report, sinks)
    if not sinks.take_stdout:
        emit(report_document(report), output, lambda: _shown(report))
    if report.failing:
        codes.append(ExitCode.MISMATCH)
    codes += [ExitCode.TRY_AGAIN if isinstance(error, TransientError) else ExitCode.FAILED for error in report.failures]
    return max(codes, key=_BADNESS.index, default=ExitCode.DONE)


async def _look(question: "DriftQuestion", asked: _Asked) -> "DriftReport":
    from penstock.streams.drift.check import find_drift
    from penstock.wiring import open_azure_catalogue

    async with AsyncExitStack() as stack:
        own = await stack.enter_async_context(open_azure_catalogue(asked.catalogue)) if asked.catalogue is not None else None
        others = {
            name: await stack.enter_async_context(open_azure_catalogue(_in_cloud(settings, name)))
            for name, settings in asked.partitions.items()
        }
        return await find_drift(question, catalogue=own, partitions=others)


def _in_cloud(settings: AzureSettings, cloud: str) -> AzureSettings:
    return settings if settings.cloud == cloud else replace(settings, cloud=cloud, location=None)


async def _question(source: StreamSource, rules: Rules) -> "DriftQuestion":
    from penstock.streams.drift.check import DriftQuestion
    from penstock.streams.drift.owners import parse_owners

    found = await read_stream(source)
    owners = parse_owners(read_file(rules.owners), subject=name_of(rules.owners)) if rules.owners else {}
    return DriftQuestion(
        found.stream,
        found.name or found.stream.stream,
        found.origin,
        found.version,
        rules.branch or "",
        _thresholds(rules, found.version),
        _fallbacks(rules, found),
        owners,
        ((await read_stream(replace(source, files=(rules.since,), release=None, folder=None))).stream, name_of(rules.since))
        if rules.since
        else None,
    )


def _thresholds(rules: Rules, version: str) -> "Thresholds":
    from penstock.streams.drift.band import parse_rhel
    from penstock.streams.drift.thresholds import parse_thresholds, thresholds_of

    file, subject = rules.thresholds_file, ""
    content = None
    if file is not None:
        subject = name_of(file)
        content = parse_thresholds(read_file(file), subject=subject)
    thresholds = thresholds_of(content, rules.thresholds, branch=rules.branch or "", version=version, subject=subject)
    return replace(thresholds, aws_floor=parse_rhel(rules.aws_floor))


def _fallbacks(rules: Rules, found: FoundStream) -> "Fallbacks":
    from penstock.streams.drift.observing import Fallbacks, marketplace_of
    from penstock.streams.drift.recorded import parse_recorded
    from penstock.streams.merging import parse_merged_marketplace

    recorded = parse_recorded(read_file(rules.provenance), subject=name_of(rules.provenance)) if rules.provenance else {}
    if not rules.fallback_of:
        return Fallbacks(recorded)
    file = Path(rules.fallback_of)
    if file == STANDARD_INPUT or _is_document(file) or not found.named:
        name = name_of(file)
        return Fallbacks(recorded, parse_merged_marketplace(read_file(file), subject=name), name)
    return Fallbacks(recorded, marketplace_of(_other_stream(rules.fallback_of, found)), rules.fallback_of)


def _is_document(file: Path) -> bool:
    """Whether there is a file, or a pipe; a folder may have the name of a stream."""
    return file.exists() and not file.is_dir()


def _other_stream(name: str, found: FoundStream) -> "Stream":
    """The stream of this name beside the one that is looked at.

    Raises:
        InputError: it is the one that is looked at.
        NotFoundError: there is none.
    """
    others = {each: stream for each, stream in found.named.items() if each != found.name}
    if name in others:
        return others[name]
    hint = f"name a marketplace file, or another stream of the source: {', '.join(others) or 'it has none'}"
    if name == found.name:
        raise InputError("this is the stream that is looked at", subject=f"--fallback-of {name}", hint=hint)
    raise NotFoundError("there is no such file, and the source has no stream of this name", subject=f"--fallback-of {name}", hint=hint)


def _shown(report: "DriftReport") -> Shown:
    from penstock.streams.drift.sinks.table import COLUMNS, STALE_COLUMNS, rows, stale_rows

    shown: list[str | Table] = [Table(COLUMNS, rows(report)), report.summary()]
    if report.since is not None:
        stale = stale_rows(report)
        title = f"Made stale since {report.since}:"
        shown.append(Table(STALE_COLUMNS, stale, title) if stale else f"Nothing was made stale since {report.since}.")
    return shown
