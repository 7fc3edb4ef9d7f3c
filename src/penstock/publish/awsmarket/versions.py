"""What buyers read of a version, and the document that a change set adds it with (PMV: ``cloud_providers/aws.py``); pure."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from string import Formatter
from typing import Any

from penstock.model.errors import InputError
from penstock.model.push.awsmarket import DeliveryOption, ProductVersion
from penstock.model.push.items import AccessEndpointUrl, PushItem, ReleaseInfo, SecurityGroup
from penstock.publish.aws.registration import ami_attributes

_VERSION_WORDS = ("major_version", "minor_version", "major_minor")
_LONGEST_TITLE = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionDetails:
    """Everything that a version is told with, but its image and the role that reads it.

    Attributes:
        title: ``9.4 20260511-1``.
        release_notes: rendered.
        usage_instructions: rendered.
        instance_type: that is recommended.
        user_name: by which one logs in.
        os_name: ``RHEL``.
        os_version: ``9.4``.
        scanning_port: of SSH.
        security_groups: in order.
        access_endpoint: None is not sent.
    """

    title: str
    release_notes: str
    usage_instructions: str
    instance_type: str
    user_name: str
    os_name: str
    os_version: str
    scanning_port: int
    security_groups: tuple[SecurityGroup, ...] = ()
    access_endpoint: AccessEndpointUrl | None = None

    def document(self, image_id: str, role: str, option: str = "") -> dict[str, Any]:
        """The ``DetailsDocument`` of ``AddDeliveryOptions``, or with the id of an option that of ``UpdateDeliveryOptions``."""
        details: dict[str, Any] = {
            "AmiSource": {
                "AmiId": image_id,
                "AccessRoleArn": role,
                "UserName": self.user_name,
                "OperatingSystemName": self.os_name,
                "OperatingSystemVersion": self.os_version,
                "ScanningPort": self.scanning_port,
            },
            "UsageInstructions": self.usage_instructions,
            "RecommendedInstanceType": self.instance_type,
            "SecurityGroups": [
                {"FromPort": each.from_port, "IpProtocol": each.ip_protocol, "IpRanges": list(each.ip_ranges), "ToPort": each.to_port}
                for each in self.security_groups
            ],
        }
        if self.access_endpoint is not None:
            details["AccessEndpointUrl"] = {"Port": self.access_endpoint.port, "Protocol": self.access_endpoint.protocol}
        return {
            "Version": {"VersionTitle": self.title, "ReleaseNotes": self.release_notes},
            "DeliveryOptions": [{**({"Id": option} if option else {}), "Details": {"AmiDeliveryOptionDetails": details}}],
        }

    def differences(self, version: ProductVersion) -> tuple[str, ...]:
        """What of ``version`` is told otherwise, in words; user and operating system are not compared, as they are the image's."""
        option = version.options[0] if version.options else DeliveryOption(id="")
        pairs = {
            "release notes": (self.release_notes, version.release_notes),
            "usage instructions": (self.usage_instructions, option.usage_instructions),
            "instance type": (self.instance_type, option.instance_type),
            "security groups": (_comparable(self.security_groups), _comparable(option.security_groups)),
            "access endpoint": (self.access_endpoint, option.access_endpoint),
        }
        return tuple(name for name, (wanted, found) in pairs.items() if wanted != found)


def details_of(item: PushItem) -> VersionDetails:
    """Those of an item with the meta of its destination.

    Raises:
        InputError: something that the marketplace wants is said nowhere, or a template asks for what there is not; tells of all of it.
    """
    attributes, release = ami_attributes(item), item.release
    said: dict[str, Any] = {
        "release_notes": attributes.release_notes,
        "usage_instructions": attributes.usage_instructions,
        "recommended_instance_type": attributes.recommended_instance_type,
        "user_name": attributes.user_name,
        "scanning_port": attributes.scanning_port,
        "release.version": release.version,
    }
    missing = [name for name, value in said.items() if not value]
    problems = [f"neither the source nor the mapping says {' and '.join(missing)}"] if missing else []
    version = str(said["release.version"])
    title = _tried(lambda: version_title(item), problems)
    texts = {
        name: _tried(partial(rendered, said[name], version, name), problems)
        for name in ("release_notes", "usage_instructions")
        if name not in missing and "release.version" not in missing
    }
    if problems:
        raise InputError("; ".join(problems), hint="see the meta of the mapping")
    return VersionDetails(
        title=title,
        release_notes=texts["release_notes"],
        usage_instructions=texts["usage_instructions"],
        instance_type=said["recommended_instance_type"],
        user_name=said["user_name"],
        os_name=(release.base_product or item.build.name).partition("-")[0].upper(),
        os_version=release.base_version or version,
        scanning_port=said["scanning_port"],
        security_groups=attributes.security_groups,
        access_endpoint=attributes.access_endpoint_url,
    )


def _tried(text: Callable[[], str], problems: list[str]) -> str:
    """The text, or ``""`` where it cannot be made: why not is added to ``problems``, so that all of them are told at once."""
    try:
        return text()
    except InputError as error:
        problems.append(error.message + (f" ({error.hint})" if error.hint else ""))
        return ""


def version_title(item: PushItem) -> str:
    """``marketplace_title_template`` over the fields of the release, or ``VERSION YYYYMMDD-RESPIN``.

    A date in a template may have a form, ``{date:%Y%m%d}``; without one it is ``2026-05-11``.

    Raises:
        InputError: the template is none, or asks for something that a release does not have.
    """
    release, template = item.release, item.marketplace_title_template
    if not template:
        return f"{release.version} {release.date:%Y%m%d}-{release.respin}"
    fields = {each.name: getattr(release, each.name) for each in dataclasses.fields(ReleaseInfo)}
    title = _filled(template, fields, "marketplace_title_template")
    if not title.strip() or len(title) > _LONGEST_TITLE:
        raise InputError(f"the title {title[:_LONGEST_TITLE]!r} has {len(title)} characters; 1 to {_LONGEST_TITLE} are possible")
    return title


def rendered(text: str, version: str, name: str) -> str:
    """A text with ``{major_version}``, ``{minor_version}`` and ``{major_minor}`` filled in.

    Raises:
        InputError: it is no template, asks for something else, or for a minor version where there is none.
    """
    parts = version.split(".")
    fields = dict(zip(_VERSION_WORDS, (parts[0], *parts[1:2], ".".join(parts[:2])) if len(parts) > 1 else (parts[0],), strict=False))
    wanted = {field for _, field, _, _ in _pieces(text, name) if field is not None}
    if wanted <= set(_VERSION_WORDS) and not wanted <= fields.keys():
        raise InputError(f"{name} asks for {{{min(wanted - fields.keys())}}}, and the version {version} has no minor one")
    return _filled(text, fields, name)


def _filled(template: str, fields: Mapping[str, object], name: str) -> str:
    for _, field, _, _ in _pieces(template, name):
        if field is not None and (field not in fields or fields[field] is None):
            known = ", ".join(f"{{{each}}}" for each, value in fields.items() if value is not None)
            raise InputError(f"{name} asks for {{{field}}}, which there is not", hint=f"there are {known}")
    try:
        return template.format(**fields)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise InputError(f"{name} is no template: {error}") from None


def _pieces(template: str, name: str) -> list[tuple[str, str | None, str | None, str | None]]:
    try:
        return list(Formatter().parse(template))
    except ValueError as error:
        raise InputError(f"{name} is no template: {error}") from None


def _comparable(groups: tuple[SecurityGroup, ...]) -> list[tuple[int, int, str, tuple[str, ...]]]:
    return sorted((each.from_port, each.to_port, each.ip_protocol.lower(), tuple(sorted(each.ip_ranges))) for each in groups)
