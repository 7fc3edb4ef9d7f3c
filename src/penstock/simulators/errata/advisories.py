"""The advisories of a simulated errata tool, and what it says of each to those who push.

The description is YAML or JSON; what is left out has the value's default::

    advisories:
      - id: "RHBA-2026:1234"
        builds: [rhel-ec2-9.4-1, rhel-azure-9.4-1]
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from penstock.formats.codec import decode
from penstock.formats.text import fault
from penstock.formats.yamltext import locate_yaml, parse_yaml


@dataclass(frozen=True, slots=True)
class Advisory:
    """An advisory that ships images of machines.

    Attributes:
        id: its name, by which it is asked for.
        builds: name-version-release of the builds of images that it ships.
        number: by which it can be asked for too; ``""`` for none.
        type: ``bugfix``, ``security``, ``enhancement``.
        title: for people.
        product: short name of what it is for.
        metadata: replaces keys of what the tool says of it, for what is not thought of here.
    """

    id: str
    builds: tuple[str, ...] = ()
    number: str = ""
    type: str = "bugfix"
    title: str = "images of machines"
    product: str = "RHEL"
    metadata: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def is_called(self, wanted: str) -> bool:
        """Whether it is asked for by this name or number."""
        return wanted in (self.id, self.number) and bool(wanted)

    def cdn_metadata(self) -> Mapping[str, Any]:
        """What ``cdn_metadata`` says."""
        return {
            "id": self.id,
            "type": self.type,
            "release": "0",
            "status": "final",
            "pushcount": "1",
            "reboot_suggested": False,
            "rights": "",
            "title": self.title,
            "from": "release-engineering@example.com",
            "description": self.title,
            "version": "1",
            "updated": "2026-05-11 10:11:12 UTC",
            "issued": "2026-05-11 10:11:12 UTC",
            "severity": "None",
            "summary": self.title,
            "solution": "",
            "references": [],
            "pkglist": [],
            "cdn_repo": [],
            "appliance_image_list": [{build: {}} for build in self.builds],
            **self.metadata,
        }

    def document(self) -> Mapping[str, Any]:
        """What the REST API says of the advisory itself."""
        return {"errata": {"rhba": {"fulladvisory": f"{self.id}-01", "synopsis": self.title, "product": {"name": self.product}}}}


@dataclass(frozen=True, slots=True)
class _Description:
    advisories: tuple[Advisory, ...]


def parse_advisories(content: bytes, *, subject: str) -> tuple[Advisory, ...]:
    """The advisories of a description.

    Raises:
        InputError: it is none; the message holds the line and the path.
    """
    tree = parse_yaml(content, subject=subject)
    told = tree.get("advisories") if isinstance(tree, Mapping) else None
    known = [each.name for each in fields(Advisory)]
    for place, advisory in enumerate(told if isinstance(told, list) else ()):
        for key in advisory if isinstance(advisory, Mapping) else ():
            if key not in known:
                path = ("advisories", place, key)
                problem = f"the key {key!r} is unknown; known are {', '.join(known)}"
                raise fault(problem, subject=subject, position=locate_yaml(content.decode(), path), path=path)
    return decode(tree, _Description, subject=subject, locate=lambda path: locate_yaml(content.decode(), path)).advisories
