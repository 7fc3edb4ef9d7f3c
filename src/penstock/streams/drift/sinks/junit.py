"""JUnit XML, as Jenkins and Prow read it: a test for each place.

The elements and attributes are those that both take: ``testsuites/testsuite[@name @tests @failures @errors @skipped @time]``, in it
``testcase[@name @classname @time]`` with at most one of ``failure``, ``error`` and ``skipped``.
"""

import re
from typing import Final
from xml.etree import ElementTree as ET

from penstock.streams.drift.report import DriftReport
from penstock.streams.drift.sinks.wording import standing
from penstock.streams.drift.statuses import DriftFinding, Verdict

SUITE: Final = "penstock.streams.drift"
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NO_TIME: Final = "0"


def render_junit(report: DriftReport) -> bytes:
    """The document, in UTF-8.

    What fails is a failure; what is told but held against nobody is skipped, with the reason; what could not be asked is an error.
    """
    failures, errors = len(report.failing), len(report.failures)
    skipped = sum(finding.verdict is Verdict.INFORMATIONAL for finding in report.findings)
    totals = {"tests": str(len(report.findings) + errors), "failures": str(failures), "errors": str(errors), "time": _NO_TIME}
    root = ET.Element("testsuites", {"name": SUITE, **totals})
    suite = ET.SubElement(root, "testsuite", {"name": SUITE, **totals, "skipped": str(skipped)})
    properties = ET.SubElement(suite, "properties")
    for name, value in (("stream", report.stream), ("origin", report.origin), ("version", report.version), ("branch", report.branch)):
        if value:
            ET.SubElement(properties, "property", {"name": name, "value": _text(value)})
    for finding in report.findings:
        _case(suite, finding)
    for error in report.failures:
        case = ET.SubElement(suite, "testcase", {"name": _text(f"ask for {error.subject}"), "classname": SUITE, "time": _NO_TIME})
        ET.SubElement(case, "error", {"message": _text(error.message), "type": type(error).__name__}).text = _text(str(error))
    ET.indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode").encode() + b"\n"


def _case(suite: ET.Element, finding: DriftFinding) -> None:
    seen = finding.seen
    kind = f"{SUITE}.{seen.slot.cloud}.{seen.slot.plan or seen.slot.place}"
    case = ET.SubElement(suite, "testcase", {"name": _text(seen.name), "classname": kind, "time": _NO_TIME})
    said = _text(standing(seen))
    detail = _text(f"image: {seen.image or 'none'}\nwanted: {seen.target or 'nothing'}\npublisher: {seen.publisher}")
    if finding.verdict is Verdict.FAILING:
        ET.SubElement(case, "failure", {"message": said, "type": seen.status.value}).text = detail
    elif finding.verdict is Verdict.INFORMATIONAL:
        ET.SubElement(case, "skipped", {"message": said})
    else:
        ET.SubElement(case, "system-out").text = f"{said}\n{detail}"


def _text(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold, escaped or not."""
    return _NOT_XML.sub("\ufffd", text)
