"""The push items of pushsource as items of this program (pushsource: ``_impl/model/{vms,ami,azure}.py``).

The library is not imported: what an item is, its classes' names say, which are those of its documentation.
"""

from collections.abc import Mapping
from typing import Any

from penstock.formats.staged.builds import derive_build
from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.model.push.items import (
    AccessEndpointUrl,
    AmiAttributes,
    BillingCodes,
    BootMode,
    BuildInfo,
    CloudInfo,
    Dropped,
    PushItem,
    ReleaseInfo,
    SecurityGroup,
    VhdAttributes,
)

_AMI, _VHD = "AmiPushItem", "VHDPushItem"
_PENDING = "PENDING"
_PLAIN_AMI = (
    "type",
    "region",
    "virtualization",
    "volume",
    "root_device",
    "sriov_net_support",
    "ena_support",
    "uefi_support",
    "release_notes",
    "usage_instructions",
    "recommended_instance_type",
    "marketplace_entity_type",
    "image_id",
    "public_image",
    "scanning_port",
    "user_name",
    "version_title",
)
_PLAIN_VHD = ("generation", "sku_id", "support_legacy", "legacy_sku_id", "disk_version", "sas_uri")
_PLAIN_RELEASE = ("product", "date", "arch", "respin", "version", "base_product", "base_version", "variant", "type")

Declared = Mapping[tuple[int, str], str]
"""SHA-256 in hexadecimal of files of builds, by the build's id and the file's name."""


def push_item(found: Any, declared: Declared) -> PushItem | Dropped:  # noqa: ANN401  # an item of the library, which has no types
    """``found`` with everything that it says; what is no image of a machine, or is not to be pushed, is dropped with the reason.

    Args:
        found: an item of the library.
        declared: digests that the build system knows and the library has no room for.

    Raises:
        InputError: it is an image, and says too little to be pushed: no release, or no build, which its file's name does not tell either.
    """
    kind = type(found).__name__
    if kind not in (_AMI, _VHD):
        return Dropped(str(found.name), f"what pushsource calls {kind} is no image of a machine")
    if found.state != _PENDING:
        return Dropped(str(found.name), f"its state is {found.state}")
    build = _build(found)
    return PushItem(
        name=found.name,
        src=found.src or "",
        build=build,
        release=_release(found),
        attributes=_ami(found) if kind == _AMI else _vhd(found),
        description=found.description or "",
        boot_mode=BootMode(found.boot_mode.value) if found.boot_mode else None,
        sha256=_sha256(found, build, declared),
        md5=found.md5sum,
        origin=found.origin,
        signing_key=found.signing_key,
        marketplace_name=found.marketplace_name,
        marketplace_title_template=found.marketplace_title_template,
        dest=tuple(found.dest),
        nvr=found.build if found.build and found.build != build.nvr else "",
        cloud_info=CloudInfo(provider=found.cloud_info.provider, account=found.cloud_info.account) if found.cloud_info else None,
    )


def _build(found: Any) -> BuildInfo:  # noqa: ANN401
    known = found.build_info
    if known is not None:
        return BuildInfo(known.name, known.version, known.release, known.id)
    release = found.release
    file_name = (found.src or found.name).partition("?")[0].rpartition("/")[2]
    try:
        return derive_build(file_name, release.version if release else None, release.respin if release else 0)
    except InputError as error:
        raise InputError(f"the source names no build, and {error.message}", subject=found.name, hint=error.hint) from None


def _release(found: Any) -> ReleaseInfo:  # noqa: ANN401
    if found.release is None:
        raise InputError("the source says nothing of its release", subject=found.name)
    return ReleaseInfo(**{name: getattr(found.release, name) for name in _PLAIN_RELEASE})


def _sha256(found: Any, build: BuildInfo, declared: Declared) -> Digest | None:  # noqa: ANN401
    text = found.sha256sum or (declared.get((build.id, found.name)) if build.id is not None else None)
    return Digest.from_sha256(text) if text else None


def _ami(found: Any) -> AmiAttributes:  # noqa: ANN401
    codes, endpoint = found.billing_codes, found.access_endpoint_url
    return AmiAttributes(
        **{name: getattr(found, name) for name in _PLAIN_AMI},
        billing_codes=BillingCodes(codes.name, tuple(codes.codes)) if codes else None,
        security_groups=tuple(
            SecurityGroup(each.from_port, each.ip_protocol, tuple(each.ip_ranges), each.to_port) for each in found.security_groups
        ),
        access_endpoint_url=AccessEndpointUrl(endpoint.port, endpoint.protocol) if endpoint else None,
    )


def _vhd(found: Any) -> VhdAttributes:  # noqa: ANN401
    return VhdAttributes(**{name: getattr(found, name) for name in _PLAIN_VHD}, recommended_sizes=tuple(found.recommended_sizes))
