"""Calls of one account to any service and region of AWS: in threads, tried again, refusals in the words of the error tree."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from penstock.adapters.aws.clients import Clients
from penstock.adapters.aws.failures import Asked, explain
from penstock.adapters.aws.options import AwsOptions
from penstock.adapters.http.failures import TRY_LATER
from penstock.adapters.http.retrying import retried
from penstock.model.errors import NotFoundError, OperationError, TransientError
from penstock.model.push.accounts import AwsCredential, AwsKeys
from penstock.model.push.aws import partition_of
from penstock.ports.retries import tell_retry

T = TypeVar("T")
_PAGE_SIZE = 1000
_VALUES_OF_A_FILTER = 200
_VISIBLE_S = 90.0
"""EC2 shows what was made to all of its servers within seconds; the documentation promises no time."""
_FIRST_LOOK_S, _LONGEST_LOOK_S = 0.25, 4.0
_NEEDS: Final[Mapping[str, str]] = {
    "ec2": "the user needs ec2:Describe*, ImportSnapshot, CopySnapshot, CopyImage, RegisterImage, CreateTags, ModifyImageAttribute and "
    "ModifySnapshotAttribute, and to delete also DeregisterImage and DeleteSnapshot",
    "s3": "the user needs s3:CreateBucket, ListBucket, ListBucketMultipartUploads, ListMultipartUploadParts, GetObject, PutObject, "
    "PutObjectTagging, GetObjectTagging and AbortMultipartUpload",
    "ebs": "the user needs ebs:StartSnapshot, PutSnapshotBlock and CompleteSnapshot",
    "sts": "see the policies of the account",
    "marketplace-catalog": "the user needs aws-marketplace:DescribeEntity, ListChangeSets, DescribeChangeSet and StartChangeSet, and "
    "iam:PassRole for AWS_ACCESS_ROLE_ARN",
}
_HOMES: Final[Mapping[str, str]] = {"us-gov": "us-gov-west-1", "china": "cn-north-1", "esc": "eusc-de-east-1"}
"""Where accounts of other partitions are asked who they are, by what stands in their alias."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What all accounts share.

    Attributes:
        options: see there.
        clients: of all services, regions and keys.
        requests: the threads of short calls.
        transfers: the threads of calls that carry bytes, so that no question waits behind them.
    """

    options: AwsOptions
    clients: Clients
    requests: ThreadPoolExecutor
    transfers: ThreadPoolExecutor


class AccountCalls:
    """Calls with the keys of one account."""

    def __init__(self, credential: AwsCredential, shared: Shared) -> None:
        """Ask nothing yet."""
        self._credential = credential
        self._shared = shared
        self._owner = ""

    async def owner(self) -> str:
        """See :meth:`penstock.ports.publish.AwsPublisher.owner`; asked for once."""
        if not self._owner:
            answer = await self._ask("sts", self._home, "get_caller_identity", {}, subject="the account's number", tells="Account")
            self._owner = str(answer["Account"])
        return self._owner

    @property
    def _keys(self) -> AwsKeys:
        return self._credential.images

    @property
    def _home(self) -> str:
        """A region in the account's partition."""
        given = self._credential.region
        names = (home for part, home in _HOMES.items() if f"-{part}-" in self._credential.alias.text)
        return given if partition_of(given) != "aws" else next(names, given)

    async def _ask(
        self, service: str, region: str, operation: str, arguments: Mapping[str, Any], *, subject: str, tells: str = ""
    ) -> dict[str, Any]:
        """One call, tried again while its failure may pass; see :meth:`_blocking`."""
        return await self._retried(lambda: self._call(service, region, operation, arguments, subject=subject, tells=tells))

    async def _pages(self, region: str, operation: str, arguments: Mapping[str, Any], key: str, *, subject: str) -> list[dict[str, Any]]:
        """What EC2 lists under ``key``, on all pages."""
        found: list[dict[str, Any]] = []
        page: dict[str, Any] = {"MaxResults": _PAGE_SIZE, **arguments}
        seen: set[str] = set()
        while True:
            answer = await self._ask("ec2", region, operation, page, subject=subject)
            found += answer.get(key, [])
            token = answer.get("NextToken")
            if not token:
                return found
            if token in seen:
                raise OperationError("the pages of the answer go in a circle", subject=self._about(subject, region))
            seen.add(token)
            page["NextToken"] = token

    async def _make(self, make: Callable[[], Awaitable[T]], find: Callable[[], Awaitable[T | None]]) -> T:
        """Make something of which AWS would make two: from the second try on, what the lost answer was about is looked for first."""
        tries = 0

        async def once() -> T:
            nonlocal tries
            tries += 1
            found = await find() if tries > 1 else None
            return await make() if found is None else found

        return await self._retried(once)

    async def _visible(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do ``work`` on something that was just made, which not every server of EC2 may know yet."""
        loop = asyncio.get_running_loop()
        until_s, pause_s = loop.time() + _VISIBLE_S, _FIRST_LOOK_S
        while True:
            try:
                return await work()
            except NotFoundError as error:
                if loop.time() + pause_s > until_s:
                    raise
                tell_retry(f"not visible yet: {error}")
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_LOOK_S)

    async def _retried(self, work: Callable[[], Awaitable[T]]) -> T:
        return await retried(work, self._shared.options.retries)

    async def _call(
        self, service: str, region: str, operation: str, arguments: Mapping[str, Any], *, subject: str, tells: str = ""
    ) -> dict[str, Any]:
        """One call, once; see :meth:`_blocking`."""

        def call() -> dict[str, Any]:
            return self._blocking(service, region, operation, arguments, subject=subject, tells=tells)

        return await self._in_thread(call, self._shared.requests)

    async def _each(self, numbers: Iterable[int], work: Callable[[int], Awaitable[None]]) -> None:
        """Do ``work`` with every number, as many at a time as there are threads for bytes; the first error ends all."""
        left = iter(numbers)

        async def some() -> None:
            for number in left:
                await work(number)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._shared.options.transfers):
                    group.create_task(some())
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _in_thread(self, work: Callable[[], T], threads: ThreadPoolExecutor) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, work)

    def _blocking(
        self, service: str, region: str, operation: str, arguments: Mapping[str, Any], *, subject: str, tells: str = ""
    ) -> dict[str, Any]:
        """One call, once, in this thread.

        Args:
            service: as boto3 names it.
            region: that is asked.
            operation: the method of boto3's client.
            arguments: of it.
            subject: what it is about, for messages.
            tells: what must be in the answer: boto3 takes an answer in JSON that was cut off for one that says nothing.
        """
        try:
            client = self._shared.clients.of(region, service, self._keys)
            answer: dict[str, Any] = getattr(client, operation)(**arguments)
        except (BotoCoreError, ClientError, ResponseParserError, ValueError) as error:
            asked = Asked(
                service=service.upper(),
                credentials="look at the credentials that were given for this account",
                needs=_NEEDS[service],
                endpoint="check AWS_ENDPOINT_URL where it is set",
                tell_reason=True,
            )
            raise explain(error, self._about(subject, region), asked) from error
        if tells and tells not in answer:
            message = f"the {service.upper()} endpoint sent an answer that ends too early or is none"
            raise TransientError(message, subject=self._about(subject, region), hint=TRY_LATER)
        return answer

    def _about(self, subject: str, region: str) -> str:
        return f"{subject} ({self._credential.alias} {region})"


def by_values(name: str, values: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Filters that let pass what has one of these values, as many as a request may have in each; EC2's wildcards stand for themselves."""
    wanted: Sequence[str] = [literally(value) for value in dict.fromkeys(values)]
    for start in range(0, len(wanted), _VALUES_OF_A_FILTER):
        yield {"Name": name, "Values": list(wanted[start : start + _VALUES_OF_A_FILTER])}


def literally(value: str) -> str:
    r"""A filter's value that fits nothing but ``value``."""
    return "".join(f"\\{sign}" if sign in "*?\\" else sign for sign in value)


def tags_of(said: Mapping[str, Any], key: str = "Tags") -> dict[str, str]:
    """The tags in an answer, as names and values."""
    return {tag["Key"]: tag["Value"] for tag in said.get(key, ())}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as requests have them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
