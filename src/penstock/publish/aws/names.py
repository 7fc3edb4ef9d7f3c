"""The name of an image: ``RHEL-9.4_HVM_GA-20260511-x86_64-1-Hourly2-GP3``; without billing codes it ends with the respin."""

import re
from string import Formatter

from penstock.model.errors import InputError
from penstock.model.push.items import AmiAttributes, PushItem, ReleaseInfo

DEFAULT_TEMPLATE = "{major}.{minor}"
LONGEST_NAME = 128
"""EC2 takes 3 to 128 characters: letters, digits, and ``()[] ./-'@_``."""

_TAKEN = re.compile(r"[A-Za-z0-9()\[\] ./\-'@_]*")
_SHORTEST_NAME = 3
_PARTS = ("major", "minor", "patch")


def image_name(item: PushItem, template: str | None) -> str:
    """The name of the image that an enriched item becomes.

    ``[base_product[-base_version]-]product-[version_]VIRT[_TYPE]-YYYYMMDD-arch-respin[-BILLING-VOLUME]``; the versions are formatted, the
    base's always by :data:`DEFAULT_TEMPLATE`; arch as it stands in the release (``arm64`` here, enrichment has replaced it).

    Args:
        item: enriched: ``attributes.virtualization``, ``volume``, ``billing_codes`` and ``release`` say what counts.
        template: the mapping's ``ami_version_template``; None for the default.

    Raises:
        InputError: an attribute that the name needs is not there, or EC2 would refuse the name.
    """
    release, attributes = item.release, item.attributes
    if not isinstance(attributes, AmiAttributes) or not attributes.virtualization:
        raise _unsaid("virtualization")
    parts = []
    if release.base_product:
        parts.append(release.base_product)
        if release.base_version:
            parts.append(format_version(release.base_version, DEFAULT_TEMPLATE))
    parts.append(release.product)
    middle = [format_version(release.version, template or DEFAULT_TEMPLATE)] if release.version else []
    middle.append(attributes.virtualization.upper())
    if release.type:
        middle.append(release.type.upper())
    parts += ["_".join(middle), release.date.strftime("%Y%m%d"), release.arch, str(release.respin)]
    if attributes.billing_codes is not None:
        if not attributes.volume:
            raise _unsaid("volume")
        parts += [attributes.billing_codes.name, attributes.volume.upper()]
    return _checked("-".join(parts))


def _unsaid(attribute: str) -> InputError:
    return InputError(f"neither the source nor the mapping says the {attribute}", hint=f"add {attribute} to the meta of the mapping")


def _checked(name: str) -> str:
    refused = sorted(set(_TAKEN.sub("", name)))
    if refused:
        raise InputError(f"the name {name!r} has {', '.join(map(repr, refused))} in it, which EC2 does not take")
    if not _SHORTEST_NAME <= len(name) <= LONGEST_NAME:
        raise InputError(f"the name {name!r} has {len(name)} characters, and EC2 takes {_SHORTEST_NAME} to {LONGEST_NAME}")
    return name


def format_version(version: str, template: str) -> str:
    """``9.4.1`` by a template over ``major``, ``minor``, ``patch`` and ``version``; more than three parts are no error.

    Raises:
        InputError: the template asks for a part that the version does not have, or for something else.
    """
    known = {**dict(zip(_PARTS, version.split("."), strict=False)), "version": version}
    hint = "a template is text with {major}, {minor}, {patch} and {version} in it"
    try:
        pieces = list(Formatter().parse(template))
    except ValueError as error:
        raise InputError(f"{template!r} is no template of a version: {error}", hint=hint) from None
    made = []
    for text, name, form, conversion in pieces:
        made.append(text)
        if name is None:
            continue
        if name not in (*_PARTS, "version") or form or conversion:
            raise InputError(f"the template {template!r} asks for {{{name}}}, or for a form of it", hint=hint)
        if name not in known:
            raise InputError(f"the template {template!r} asks for {{{name}}}, and the version {version} has none", hint=hint)
        made.append(known[name])
    return "".join(made)


def object_key(item: PushItem) -> str:
    """Under which the disk stands in a bucket, where nothing else stands there."""
    return item.object_name


def release_label(release: ReleaseInfo) -> str:
    """The release for people: ``RHEL 9.4 ga 20260511 x86_64``."""
    words = (release.product, release.version, release.type, release.date.strftime("%Y%m%d"), release.arch)
    return " ".join(word for word in words if word)
