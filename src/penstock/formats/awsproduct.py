"""What the Marketplace Catalog API says of products and of change sets that failed (API version 2018-09-17).

The document of an ``AmiProduct@1.0`` has much more than is read here; what is not known is passed over.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from penstock.formats.codec import decode
from penstock.formats.jsontext import parse_json
from penstock.model.push.awsmarket import ChangeError, DeliveryOption, Product, ProductVersion
from penstock.model.push.items import AccessEndpointUrl, SecurityGroup
from penstock.model.record import Tree

_LARGEST_REPORT_BYTES = 4 << 20


class _Access(msgspec.Struct, rename="pascal"):
    port: int | None = None
    protocol: str | None = None


class _Instructions(msgspec.Struct, rename="pascal"):
    usage: str | None = None
    access: _Access | None = None


class _Group(msgspec.Struct, rename="pascal"):
    from_port: int = 0
    to_port: int = 0
    protocol: str = ""
    cidr_ips: list[str] = []


class _Recommendations(msgspec.Struct, rename="pascal"):
    instance_type: str | None = None
    security_groups: list[_Group] | None = None


class _Option(msgspec.Struct, rename="pascal"):
    id: str
    visibility: str | None = None
    instructions: _Instructions | None = None
    recommendations: _Recommendations | None = None


class _Source(msgspec.Struct, rename="pascal"):
    image: str | None = None


class _Version(msgspec.Struct, rename="pascal"):
    id: str
    version_title: str | None = None
    creation_date: str | None = None
    release_notes: str | None = None
    sources: list[_Source] | None = None
    delivery_options: list[_Option] | None = None


class _Description(msgspec.Struct, rename="pascal"):
    product_title: str | None = None


class _Document(msgspec.Struct, rename="pascal"):
    description: _Description | None = None
    versions: list[_Version] | None = None


class _Failure(msgspec.Struct, rename="pascal"):
    error_code: str = ""
    error_message: str = ""


def read_product(tree: Tree, product_id: str, entity_type: str) -> Product:
    """The product that a ``DetailsDocument`` tells of.

    Args:
        tree: the document.
        product_id: that was asked for.
        entity_type: ``AmiProduct@1.0``.

    Raises:
        InputError: it is of another shape.
    """
    said = decode(tree, _Document, subject=f"the product {product_id}")
    versions = tuple(map(_version, said.versions or ()))
    title = (said.description.product_title if said.description else None) or ""
    return Product(id=product_id, type=entity_type.partition("@")[0], title=title, versions=versions)


def read_failures(content: bytes, *, subject: str) -> tuple[ChangeError, ...]:
    """The errors in a report that a message of a failed change set leads to: a list of ``{"ErrorCode", "ErrorMessage"}``.

    Raises:
        InputError: it is no such list.
    """
    tree = parse_json(content, subject=subject, limit_bytes=_LARGEST_REPORT_BYTES)
    return tuple(ChangeError(each.error_code, each.error_message) for each in decode(tree, list[_Failure], subject=subject))


def _version(said: _Version) -> ProductVersion:
    return ProductVersion(
        id=said.id,
        title=said.version_title or "",
        created_at=_moment(said.creation_date),
        release_notes=said.release_notes or "",
        images=tuple(dict.fromkeys(source.image for source in said.sources or () if source.image)),
        options=tuple(map(_option, said.delivery_options or ())),
    )


def _option(said: _Option) -> DeliveryOption:
    instructions, recommended = said.instructions, said.recommendations
    access = instructions.access if instructions else None
    return DeliveryOption(
        id=said.id,
        visibility=said.visibility or "",
        usage_instructions=(instructions.usage if instructions else None) or "",
        instance_type=(recommended.instance_type if recommended else None) or "",
        security_groups=_groups((recommended.security_groups if recommended else None) or ()),
        access_endpoint=AccessEndpointUrl(access.port, access.protocol) if access and access.port is not None and access.protocol else None,
    )


def _groups(said: Sequence[_Group]) -> tuple[SecurityGroup, ...]:
    return tuple(SecurityGroup(each.from_port, each.protocol, tuple(each.cidr_ips), each.to_port) for each in said)


def _moment(text: str | None) -> datetime | None:
    """A time of ISO 8601; one without a zone is UTC, and what is none is not known."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
