"""What a webhook gets: the report under the name of an event, or the message for Slack as it is."""

import json
from enum import StrEnum
from typing import Any, Final

from penstock.streams.drift.document import report_document
from penstock.streams.drift.report import DriftReport
from penstock.streams.drift.sinks.slack import render_slack

EVENT: Final = "penstock.streams.drift"


class WebhookPayload(StrEnum):
    """What to send."""

    REPORT = "report"
    SLACK = "slack"
    """For an incoming webhook of Slack."""


def render_webhook(report: DriftReport, payload: WebhookPayload) -> bytes:
    """The body of the POST: JSON on one line, in ASCII."""
    content: dict[str, Any] = (
        render_slack(report) if payload is WebhookPayload.SLACK else {"event": EVENT, "report": report_document(report)}
    )
    return json.dumps(content, separators=(",", ":"), allow_nan=False).encode()
