"""Where ``penstock streams drift`` writes its report besides stdout: files, and a webhook."""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from penstock.cli.output import Document, emit_bytes, render_json
from penstock.cli.streams.documents import DOCUMENT, STANDARD_INPUT, talk, tell
from penstock.model.errors import ExitCode, PenstockError

if TYPE_CHECKING:
    from penstock.streams.drift.report import DriftReport

F = TypeVar("F", bound=Callable[..., Any])

WEBHOOK_VARIABLE: Final = "PENSTOCK_DRIFT_WEBHOOK"
_FILE: Final = click.Path(dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sinks:
    """Where the report goes, as the user says; None for nowhere.

    Attributes:
        junit: a file of tests.
        slack: a file for the message; ``-`` is stdout.
        jira: a file of issues.
        jira_project: for publishers whose owner has none, or None.
        webhook: an address, which is a secret.
        webhook_payload: what is posted.
    """

    junit: Path | None
    slack: Path | None
    jira: Path | None
    jira_project: str | None
    webhook: str | None
    webhook_payload: str

    def __repr__(self) -> str:
        """Without the address."""
        return f"Sinks(junit={self.junit}, slack={self.slack}, jira={self.jira}, webhook={'…' if self.webhook else None})"

    @property
    def take_stdout(self) -> bool:
        """Whether the message for Slack is the answer."""
        return self.slack == STANDARD_INPUT


_OPTIONS: Final = (
    click.option("--junit", type=_FILE, metavar="FILE", help="Write a test for each image, as JUnit XML."),
    click.option("--slack", type=DOCUMENT, metavar="FILE|-", help="Write a message for Slack; '-' prints it in the place of the report."),
    click.option("--jira", type=_FILE, metavar="FILE", help="Write issues to create in Jira, one for each publisher."),
    click.option("--jira-project", metavar="KEY", help="File for publishers here whose owner has no project of its own."),
    click.option(
        "--webhook",
        envvar=WEBHOOK_VARIABLE,
        show_envvar=True,
        metavar="URL",
        help="Post the report there, as JSON; the address is never shown, and hidden from other users only in the variable.",
    ),
    click.option(
        "--webhook-payload",
        type=click.Choice(["report", "slack"]),
        default="report",
        help="Post the report, or the message for an incoming webhook of Slack.",
    ),
)


def sink_options(command: F) -> F:
    """The options of the sinks, passed as ``sinks: Sinks``."""

    @functools.wraps(command)
    def collect(**values: Any) -> object:  # noqa: ANN401  # whatever the command takes
        return command(sinks=Sinks(**{name: values.pop(name) for name in Sinks.__dataclass_fields__}), **values)

    decorated: Any = collect
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def check_sinks(sinks: Sinks) -> None:
    """See that the webhook has an address before anything is asked or written.

    Raises:
        InputError: it is none.
    """
    if sinks.webhook:
        from penstock.adapters.webhook import webhook_address

        webhook_address(sinks.webhook)


async def deliver(report: "DriftReport", sinks: Sinks) -> list[ExitCode]:
    """Write the report to every sink; one that fails is told and keeps none of the others from theirs.

    The exit codes of those that failed.
    """
    codes = [code for write in (_write_junit, _write_slack, _write_jira) if (code := _guarded(write, report, sinks)) is not None]
    if sinks.webhook:
        try:
            await _post(report, sinks)
        except PenstockError as error:
            tell(error)
            codes.append(error.exit_code)
    return codes


def _guarded(write: Callable[["DriftReport", Sinks], None], report: "DriftReport", sinks: Sinks) -> ExitCode | None:
    try:
        write(report, sinks)
    except PenstockError as error:
        tell(error)
        return error.exit_code
    return None


def _write_junit(report: "DriftReport", sinks: Sinks) -> None:
    if sinks.junit is not None:
        from penstock.adapters.files.atomic import write_atomic
        from penstock.streams.drift.sinks.junit import render_junit

        write_atomic(sinks.junit, render_junit(report))


def _write_slack(report: "DriftReport", sinks: Sinks) -> None:
    if sinks.slack is not None:
        from penstock.adapters.files.atomic import write_atomic
        from penstock.streams.drift.sinks.slack import render_slack

        content = _json(render_slack(report))
        if sinks.take_stdout:
            emit_bytes(content)
        else:
            write_atomic(sinks.slack, content)


def _write_jira(report: "DriftReport", sinks: Sinks) -> None:
    if sinks.jira is not None:
        from penstock.adapters.files.atomic import write_atomic
        from penstock.streams.drift.sinks.jira import render_jira

        issues = render_jira(report, default_project=sinks.jira_project or "")
        for publisher in issues.without_project:
            talk(f"note: nobody names a Jira project for {publisher}: no issue; name one with --owners or --jira-project")
        write_atomic(sinks.jira, _json(list(issues.payloads)))


async def _post(report: "DriftReport", sinks: Sinks) -> None:
    from penstock.streams.drift.sinks.webhook import WebhookPayload, render_webhook
    from penstock.wiring import post_to_webhook

    await post_to_webhook(sinks.webhook or "", render_webhook(report, WebhookPayload(sinks.webhook_payload)), os.environ)


def _json(content: Document) -> bytes:
    return render_json(content).encode(errors="backslashreplace")  # half of a surrogate pair: its escape is JSON
