"""The catalogue of AMIs: EC2's DescribeRegions and DescribeImages (API version 2016-11-15)."""

import asyncio
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from penstock.adapters.aws.clients import Clients
from penstock.adapters.aws.failures import explain
from penstock.adapters.aws.options import AwsOptions
from penstock.adapters.http.retrying import retried
from penstock.model.arch import Arch
from penstock.model.catalogue import AwsImage
from penstock.model.errors import OperationError

_PAGE_SIZE = 1000
_VALUES_OF_A_FILTER = 200
_ARCHES = {"x86_64": Arch.X86_64, "arm64": Arch.AARCH64}


class Ec2Catalogue:
    """:class:`penstock.ports.AwsCatalogue` on boto3, whose calls block: each runs in a thread of this object's own.

    ::

        async with Ec2Catalogue(AwsOptions(profile="images")) as catalogue:
            images = await catalogue.list_images("us-east-1", owner="aws-marketplace", name="*59ead7de-*")
    """

    def __init__(self, options: AwsOptions) -> None:
        self._options = options
        self._clients = Clients(options)
        self._threads = ThreadPoolExecutor(max_workers=options.parallel, thread_name_prefix="penstock-aws")

    async def __aenter__(self) -> Self:
        """The catalogue itself; nothing is asked yet."""
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close all connections, once the calls on their way have ended."""
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)
        self._clients.close()

    @property
    def source(self) -> str:
        """The address that is asked, for the record."""
        return self._options.endpoint or "https://ec2.amazonaws.com"

    async def list_regions(self) -> tuple[str, ...]:
        """See :meth:`penstock.ports.AwsCatalogue.list_regions`; those that the account has enabled, of its own partition."""
        answer = await self._ask(None, "describe_regions", {"AllRegions": False}, subject="the regions of AWS")
        return tuple(sorted(region["RegionName"] for region in answer.get("Regions", [])))

    async def list_images(self, region: str, *, owner: str, name: str) -> tuple[AwsImage, ...]:
        """See :meth:`penstock.ports.AwsCatalogue.list_images`; deprecated ones too."""
        question = {"Owners": [owner], "Filters": [{"Name": "name", "Values": [name]}]}
        return await self._images(region, question, subject=f"images of {owner} in {region}")

    async def describe(self, region: str, image_ids: Iterable[str]) -> tuple[AwsImage, ...]:
        """See :meth:`penstock.ports.AwsCatalogue.describe`.

        The ids are a filter, not the argument for ids: of those that do not exist AWS says nothing then, and not an error for all.
        """
        found: list[AwsImage] = []
        wanted = list(dict.fromkeys(image_ids))
        for start in range(0, len(wanted), _VALUES_OF_A_FILTER):
            ids = wanted[start : start + _VALUES_OF_A_FILTER]
            question = {"Filters": [{"Name": "image-id", "Values": ids}]}
            found += await self._images(region, question, subject=f"{', '.join(ids[:2])}{' …' if ids[2:] else ''} in {region}")
        return tuple(found)

    async def _images(self, region: str, question: Mapping[str, Any], *, subject: str) -> tuple[AwsImage, ...]:
        found: list[AwsImage] = []
        page: dict[str, Any] = {"IncludeDeprecated": True, "MaxResults": _PAGE_SIZE, **question}
        seen: set[str] = set()
        while True:
            answer = await self._ask(region, "describe_images", page, subject=subject)
            found += [_image(region, image, subject) for image in answer.get("Images", [])]
            token = answer.get("NextToken")
            if not token:
                return tuple(found)
            if token in seen:
                raise OperationError("the pages of the answer go in a circle", subject=subject)
            seen.add(token)
            page["NextToken"] = token

    async def _ask(self, region: str | None, operation: str, arguments: Mapping[str, Any], *, subject: str) -> dict[str, Any]:
        """One call, tried again while its failure may pass."""
        loop = asyncio.get_running_loop()

        def call() -> dict[str, Any]:
            try:
                answer: dict[str, Any] = getattr(self._clients.of(region), operation)(**arguments)
            except (BotoCoreError, ClientError, ResponseParserError, ValueError) as error:
                raise explain(error, subject) from error
            return answer

        async def once() -> dict[str, Any]:
            return await loop.run_in_executor(self._threads, call)

        return await retried(once, self._options.retries)


def _image(region: str, said: Mapping[str, Any], subject: str) -> AwsImage:
    """The image that one item of the answer tells of; the marketplace leaves out what it does not know."""
    created = _moment(said.get("CreationDate"))
    if created is None:
        raise OperationError(f"EC2 does not say when {said.get('ImageId')} was made", subject=subject)
    return AwsImage(
        region=region,
        id=said["ImageId"],
        name=said.get("Name") or "",
        description=said.get("Description") or "",
        owner=said.get("OwnerId") or "",
        owner_alias=said.get("ImageOwnerAlias") or "",
        arch=_ARCHES.get(said.get("Architecture", "")),
        created=created,
        state=said.get("State") or "",
        deprecated_on=_moment(said.get("DeprecationTime")),
        public=bool(said.get("Public", True)),
    )


def _moment(text: str | None) -> datetime | None:
    """``2026-02-10T12:34:56.000Z``, or None for no moment."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
