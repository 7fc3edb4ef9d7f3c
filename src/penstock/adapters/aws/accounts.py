"""The accounts of a push, on one session of boto3 and a few threads."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Final, Self

from penstock.adapters.aws.calls import Shared
from penstock.adapters.aws.clients import Clients
from penstock.adapters.aws.marketplace import MarketCalls
from penstock.adapters.aws.options import AwsOptions
from penstock.adapters.aws.publisher import AccountPublisher
from penstock.adapters.http.options import Retries, Timeouts
from penstock.model.push.accounts import AwsCredential

PUSH_OPTIONS: Final = AwsOptions(
    retries=Retries(attempts=6, first_wait_s=0.3, longest_wait_s=10.0, longest_retry_after_s=30.0, total_s=120.0),
    timeouts=Timeouts(stall_s=120.0),  # S3 answers a part, and the end of an upload, when it has stored it
)
"""More patient than a catalogue is read: what was sent already is worth waiting for."""


class AwsPushAccounts:
    """:class:`penstock.ports.publish.AwsAccounts`.

    ::

        async with AwsPushAccounts() as accounts:
            number = await accounts.publisher(credential).owner()
    """

    def __init__(self, options: AwsOptions = PUSH_OPTIONS) -> None:
        """Ask nothing yet; of ``options`` the profile is not used, as credentials bring their keys."""
        self._shared = Shared(
            options,
            Clients(options),
            ThreadPoolExecutor(max_workers=options.parallel, thread_name_prefix="penstock-aws"),
            ThreadPoolExecutor(max_workers=options.transfers, thread_name_prefix="penstock-aws-transfer"),
        )

    async def __aenter__(self) -> Self:
        """The accounts themselves."""
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close all connections, once the calls on their way have ended."""
        for threads in (self._shared.requests, self._shared.transfers):
            await asyncio.to_thread(threads.shutdown, wait=True, cancel_futures=True)
        self._shared.clients.close()

    def publisher(self, credential: AwsCredential) -> AccountPublisher:
        """See :meth:`penstock.ports.publish.AwsAccounts.publisher`, and :meth:`penstock.ports.removal.AwsRemovers.publisher`."""
        return AccountPublisher(credential, self._shared)

    def market(self, credential: AwsCredential) -> MarketCalls:
        """See :meth:`penstock.ports.awsmarket.AwsSellers.market`."""
        return MarketCalls(credential, self._shared)
