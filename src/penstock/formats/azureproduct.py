"""Documents of Azure's Product Ingestion API: https://learn.microsoft.com/partner-center/marketplace-offers/product-ingestion-api."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import msgspec

from penstock.formats.codec import decode, decode_json, encode_json, to_tree
from penstock.formats.jsontext import COMPACT
from penstock.model.errors import InputError
from penstock.model.push.azuremarket import (
    TECHNICAL_KINDS,
    Job,
    JobProblem,
    JobState,
    Kind,
    Resource,
    ResourceTree,
    Submission,
    TechnicalConfiguration,
    without_queries,
)
from penstock.model.record import Tree, given

CONFIGURE_SCHEMA = "https://schema.mp.microsoft.com/schema/configure"
LONGEST_DOCUMENT_BYTES = 64 << 20
_MOST_DETAILS = 32
"""Errors are nested by the service; nobody reads deeper."""


@dataclass(frozen=True, slots=True)
class ProductPage:
    """A page of the list of products.

    Attributes:
        products: on it.
        next_query: what the next page is asked for with; nothing on the last one.
    """

    products: tuple[Resource, ...]
    next_query: tuple[tuple[str, str], ...] = ()


class _Products(msgspec.Struct):
    value: list[Resource] = []
    next_link: str | None = msgspec.field(default=None, name="@nextLink")


class _Submissions(msgspec.Struct):
    value: list[Submission] = []


class _Problem(msgspec.Struct):
    code: str | None = None
    message: str | None = None
    details: list["_Problem"] | None = None


class _Job(msgspec.Struct):
    job_id: str = msgspec.field(name="jobId")
    job_status: str | None = msgspec.field(default=None, name="jobStatus")
    job_result: str | None = msgspec.field(default=None, name="jobResult")
    errors: list[_Problem] | None = None


def read_product_page(content: bytes, *, subject: str) -> ProductPage:
    """A page of ``GET /product``.

    Raises:
        InputError: it is none.
    """
    page = decode_json(content, _Products, subject=subject, limit_bytes=LONGEST_DOCUMENT_BYTES)
    try:
        query = tuple(parse_qsl(urlsplit(page.next_link or "").query, keep_blank_values=True))
    except ValueError:
        raise InputError("the address of the next page is none", subject=subject) from None
    return ProductPage(tuple(page.value), query)


def read_submissions(content: bytes, *, subject: str) -> tuple[Submission, ...]:
    """The answer to ``GET /submission/GUID``.

    Raises:
        InputError: it is none.
    """
    return tuple(decode_json(content, _Submissions, subject=subject, limit_bytes=LONGEST_DOCUMENT_BYTES).value)


def read_resource_tree(content: bytes, *, subject: str) -> ResourceTree:
    """The answer to ``GET /resource-tree/product/GUID``.

    Raises:
        InputError: it is none.
    """
    return decode_json(content, ResourceTree, subject=subject, limit_bytes=LONGEST_DOCUMENT_BYTES)


def read_job(content: bytes, *, subject: str) -> Job:
    """The answer to ``configure`` and to the question for its status.

    A job is over when ``jobStatus`` says so, or when there is a result; one that is over without a result has failed.

    Raises:
        InputError: it is none.
    """
    told = decode_json(content, _Job, subject=subject, limit_bytes=LONGEST_DOCUMENT_BYTES)
    state = JobState.FAILED if told.job_status == "completed" else JobState.ACTIVE
    if told.job_result in ("succeeded", "failed"):
        state = JobState(told.job_result)
    return Job(told.job_id, state, tuple(_problem(each, _MOST_DETAILS) for each in told.errors or ()))


def _problem(told: _Problem, depth: int) -> JobProblem:
    details = tuple(_problem(each, depth - 1) for each in told.details or ()) if depth else ()
    return JobProblem(told.code or "", without_queries(told.message or ""), details)


def write_configure(resources: Sequence[Tree], *, version: str) -> bytes:
    """The body of ``POST /configure``."""
    return encode_json({"$schema": f"{CONFIGURE_SCHEMA}/{version}", "resources": list(resources)}, COMPACT)


def technical_configuration(tree: ResourceTree, plan: Resource) -> TechnicalConfiguration | None:
    """That of a plan; every plan of virtual machines has one.

    Raises:
        InputError: it is of another shape.
    """
    for resource in _technical(tree):
        if resource.extra.get("plan") == given(plan.id):
            return decode(to_tree(resource), TechnicalConfiguration, subject=given(resource.id) or Kind.TECHNICAL.value)
    return None


def technical_configurations(tree: ResourceTree) -> tuple[TechnicalConfiguration, ...]:
    """Those of all plans.

    Raises:
        InputError: one is of another shape.
    """
    return tuple(
        decode(to_tree(resource), TechnicalConfiguration, subject=given(resource.id) or Kind.TECHNICAL.value)
        for resource in _technical(tree)
    )


def _technical(tree: ResourceTree) -> tuple[Resource, ...]:
    return tuple(each for kind in TECHNICAL_KINDS for each in tree.of_kind(kind))
