"""A message for Slack, in blocks: what ``chat.postMessage`` and incoming webhooks take.

Slack's limits: fifty blocks, 150 characters of a header, 3000 of a section.  ``&``, ``<`` and ``>`` are escaped, so that nothing in a
document becomes a link or calls a channel; what a document holds stands in code spans, where no other markup counts.
"""

from collections.abc import Sequence
from typing import Any, Final

from penstock.streams.drift.report import Concern, DriftReport
from penstock.streams.drift.sinks.wording import line_of, shortened, stand

MOST_BLOCKS: Final = 50
LONGEST_HEADER: Final = 150
LONGEST_TEXT: Final = 3000
_LONGEST_LINE: Final = 300
_LONGEST_NAME: Final = 100


def render_slack(report: DriftReport) -> dict[str, Any]:
    """The payload; ``channel`` is set where all owners that it concerns have the same one."""
    concerns = report.concerns()
    told = stand((finding.seen for finding in report.failing), what="boot image") or "boot images"
    title = shortened(f"{report.stream}: {told}", LONGEST_HEADER)
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": False}},
        _section(f"{escape(shortened(report.summary(), 1500))}\nFrom {_code(shortened(report.origin, 500))}"),
    ]
    room = MOST_BLOCKS - len(blocks) - 1
    for publisher, members in list(concerns.items())[:room]:
        blocks.append(_section(_group(report, publisher, members)))
    if len(concerns) > room:
        blocks.append(_section(f"… and {len(concerns) - room} more publishers"))
    payload: dict[str, Any] = {"text": escape(shortened(report.summary(), LONGEST_TEXT // 6)), "blocks": blocks}
    channels = {owner.slack_channel for publisher in concerns if (owner := report.owner(publisher)) and owner.slack_channel}
    if len(channels) == 1:
        payload["channel"] = channels.pop()
    return payload


def escape(text: str) -> str:
    """Text whose ``&``, ``<`` and ``>`` mean themselves."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _code(text: str) -> str:
    return f"`{escape(text.replace('`', chr(39)))}`"


def _group(report: DriftReport, publisher: str, members: Sequence[Concern]) -> str:
    owner = report.owner(publisher)
    told = ", ".join(part for part in (owner.name, owner.contact, owner.slack_channel) if part) if owner else ""
    lines = [_code(shortened(publisher, _LONGEST_NAME)) + (f" ({escape(shortened(told, _LONGEST_LINE))})" if told else "")]
    used = len(lines[0])
    for index, concern in enumerate(members):
        line = f"• {_code(shortened(line_of(concern), _LONGEST_LINE))}"
        rest = f"… and {len(members) - index} more"
        if used + len(line) + len(rest) + 2 > LONGEST_TEXT:
            lines.append(rest)
            break
        lines.append(line)
        used += len(line) + 1
    return "\n".join(lines)
