"""Clouds on loopback for one push: simulators with exactly the accounts, products and plans that it needs.

A demo and a rehearsal push against them.  Keys are made up, so that no account that anybody has can be met by mistake.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from penstock.demo.standing import (
    Calls,
    Standing,
    calls_of,
    standing_in_aws,
    standing_in_azure,
    standing_in_blobs,
    standing_in_google,
    standing_in_rhsm,
)
from penstock.model.catalogue import Cloud
from penstock.model.errors import InputError
from penstock.model.push.accounts import (
    AccountAlias,
    AwsCredential,
    AwsKeys,
    AzureCredential,
    CloudCredential,
    CredentialSet,
    GcpCredential,
)
from penstock.model.starmap import StarmapWorkflow
from penstock.publish.needs import NeededPlace, PushNeeds
from penstock.simulators.aws.latencies import Latencies
from penstock.simulators.azure import AzureSimulator
from penstock.simulators.azure.ingestionproducts import Durations
from penstock.simulators.azureblobs import AzureBlobsSimulator
from penstock.simulators.cloud import Catalogue, Fault
from penstock.simulators.cloud.catalogue import AwsProduct, AzureProduct
from penstock.simulators.cloud.server import CloudSimulator
from penstock.simulators.gcp import GcpSimulator
from penstock.simulators.gcp.latencies import GcpLatencies
from penstock.simulators.rhsm import RhsmSimulator
from penstock.wiring.publish import CloudEndpoints

if TYPE_CHECKING:
    from penstock.simulators.aws.writable import WritableAwsSimulator

SIMULATORS: Final = ("aws", "azure", "blobs", "gcp", "rhsm")
"""What faults may be meant for."""
_LATE: Final = ("aws", "gcp")
"""What latencies may be meant for."""
_PUBLISHER: Final = "rehearsal"
_QUICK: Final = Durations(configure_s=0.1, preview_s=0.4, live_s=0.2)
_NOWHERE: Final = "http://127.0.0.1:9"
"""The port of ``discard``, on which nobody listens: what is not needed must not reach a real cloud."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What goes wrong, and what takes its time.

    Attributes:
        faults: each with the simulator that it is meant for, ``""`` for all.
        latencies: by simulator, as ``--latency`` of it takes them.
    """

    faults: tuple[tuple[str, Fault], ...] = ()
    latencies: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, faults: Sequence[str], latencies: Sequence[str]) -> "Trouble":
        """Read what the command line says.

        Args:
            faults: ``[SIMULATOR:]KIND[=N][,OPTION=N]…[@REGEX]``; without a simulator it is meant for all.
            latencies: ``[SIMULATOR:]NAME=SECONDS[,…]``; without a simulator it is meant for AWS.

        Raises:
            InputError: it is no fault, or of no simulator.
        """
        meant = [_meant(text, SIMULATORS) for text in faults]
        late = [_meant(text, _LATE) for text in latencies]
        return cls(faults=tuple((name, Fault.parse(rest)) for name, rest in meant), latencies={name or "aws": rest for name, rest in late})

    def strikes(self, name: str) -> tuple[Fault, ...]:
        """The faults of a simulator."""
        return tuple(fault for meant, fault in self.faults if meant in ("", name))


def _meant(text: str, known: Sequence[str]) -> tuple[str, str]:
    name, colon, rest = text.partition(":")
    if not (colon and name.isascii() and name.isalpha()):
        return "", text
    if name not in known:
        raise InputError(f"there is no simulator {name!r} for this", subject=text, hint=f"simulators: {', '.join(known)}")
    return name, rest


class EmbeddedClouds:
    """The simulators, which serve while the context is open; only those that the push needs."""

    def __init__(self, needs: PushNeeds, trouble: Trouble | None = None) -> None:
        """Nothing is served yet.

        Raises:
            InputError: a latency is none.
        """
        self._needs = needs
        self._trouble = trouble or Trouble()
        self._stack = AsyncExitStack()
        self._numbers = {_number(alias): alias for alias in self._of(Cloud.AWS)}
        self._projects = {place.destination.partition("/")[0]: place.account for place in needs.places if place.account.cloud is Cloud.GCP}
        self._aws: WritableAwsSimulator | None = None
        self._azure: AzureSimulator | None = None
        self._gcp: GcpSimulator | None = None
        self._blobs: dict[AccountAlias, AzureBlobsSimulator] = {}
        self._rhsm = RhsmSimulator(sorted(needs.products), faults=self._trouble.strikes("rhsm"))
        self._aws_latencies = Latencies.parse(self._trouble.latencies.get("aws", ""))
        self._gcp_latencies = GcpLatencies.parse(self._trouble.latencies.get("gcp", ""))

    async def __aenter__(self) -> Self:
        """Begin to serve.

        Raises:
            OperationError: a package is not installed, or another simulator of this process has moto.
        """
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End, and forget everything."""
        await self._stack.aclose()

    @property
    def credentials(self) -> CredentialSet:
        """For the accounts that the push needs, and for no other; those of Azure are there while the simulators serve."""
        return CredentialSet((*map(_of_aws, self._of(Cloud.AWS)), *self._of_azure(), *self._of_google()))

    @property
    def endpoints(self) -> CloudEndpoints:
        """Where the clouds are asked.  That of a cloud which the push does not need leads nowhere."""
        aws, azure, gcp = (each.url if each is not None else _NOWHERE for each in (self._aws, self._azure, self._gcp))
        return CloudEndpoints(aws=aws, ingestion=azure, manager=azure, authority=azure, gcp=gcp)

    @property
    def rhsm_url(self) -> str:
        """Where RHSM is asked."""
        return self._rhsm.url

    def standing(self) -> tuple[Standing, ...]:
        """What stands in the clouds now."""
        return tuple(self._standing())

    def calls(self) -> tuple[Calls, ...]:
        """How often each simulator was asked so far."""
        found: dict[str, list[CloudSimulator]] = {
            "aws": [self._aws] if self._aws is not None else [],
            "azure": [self._azure] if self._azure is not None else [],
            "blobs": list(self._blobs.values()),
            "gcp": [self._gcp] if self._gcp is not None else [],
            "rhsm": [self._rhsm],
        }
        counted = (calls_of(name, [request for each in simulators for request in each.requests]) for name, simulators in found.items())
        return tuple(each for each in counted if each.reading or each.changing)

    async def _open(self) -> None:
        if self._numbers:
            self._aws = await self._stack.enter_async_context(self._made_aws())
        if self._of(Cloud.AZURE):
            self._azure = await self._stack.enter_async_context(self._made_azure())
        for number, alias in enumerate(self._of(Cloud.AZURE), start=1):
            blobs = AzureBlobsSimulator(account=f"rehearsal{number}", faults=self._trouble.strikes("blobs"))
            self._blobs[alias] = await self._stack.enter_async_context(blobs)
        if self._projects:
            self._gcp = await self._stack.enter_async_context(self._made_gcp())
        await self._stack.enter_async_context(self._rhsm)

    def _made_aws(self) -> "WritableAwsSimulator":
        from penstock.simulators.aws.writable import WritableAwsSimulator  # noqa: PLC0415  # moto is an extra

        sold = tuple(AwsProduct(id=each.destination, owner=_number(each.account)) for each in self._sold(Cloud.AWS))
        return WritableAwsSimulator(
            Catalogue(aws_products=sold),
            latencies=self._aws_latencies,
            accounts={_key(alias): number for number, alias in self._numbers.items()},
            faults=self._trouble.strikes("aws"),
        )

    def _made_azure(self) -> AzureSimulator:
        plans: dict[str, dict[str, None]] = {}
        for place in self._sold(Cloud.AZURE):
            offer, _, plan = place.destination.partition("/")
            plans.setdefault(offer, {})[plan] = None
        sold = tuple(AzureProduct(offer=offer, plans=tuple(each), publisher=_PUBLISHER) for offer, each in plans.items())
        return AzureSimulator(Catalogue(azure_products=sold), durations=_QUICK, faults=self._trouble.strikes("azure"))

    def _made_gcp(self) -> GcpSimulator:
        return GcpSimulator(
            anonymous=True,
            writable=True,
            buckets=[_bucket(project) for project in self._projects],
            latencies=self._gcp_latencies,
            faults=self._trouble.strikes("gcp"),
        )

    def _of(self, cloud: Cloud) -> list[AccountAlias]:
        return [alias for alias in self._needs.accounts if alias.cloud is cloud]

    def _sold(self, cloud: Cloud) -> list[NeededPlace]:
        wanted = (each for each in self._needs.places if each.workflow is StarmapWorkflow.STRATOSPHERE)
        return sorted(each for each in wanted if each.account.cloud is cloud)

    def _of_azure(self) -> Iterator[CloudCredential]:
        if self._azure is None:
            return
        account = self._azure.account
        for alias, blobs in self._blobs.items():
            yield AzureCredential(
                alias=alias,
                tenant_id=account.tenant,
                client_id=account.client_id,
                client_secret=account.client_secret,
                connection_string=blobs.connection_string,
                publisher=_PUBLISHER,
                subscription_id=account.subscription,
                resource_group=_PUBLISHER,
            )

    def _of_google(self) -> Iterator[CloudCredential]:
        for project, alias in self._projects.items():
            yield GcpCredential(alias=alias, project=project, bucket=_bucket(project), service_account="")

    def _standing(self) -> Iterator[Standing]:
        if self._aws is not None:
            yield from standing_in_aws(self._aws, self._numbers)
        if self._azure is not None:
            yield from standing_in_azure(self._azure)
        for alias, blobs in self._blobs.items():
            yield from standing_in_blobs(blobs, alias)
        if self._gcp is not None:
            yield from standing_in_google(self._gcp, self._projects)
        yield from standing_in_rhsm(self._rhsm)


def _of_aws(alias: AccountAlias) -> CloudCredential:
    keys = AwsKeys(_key(alias), "rehearsal")
    return AwsCredential(alias=alias, images=keys, marketplace=keys, access_role=f"arn:aws:iam::{_number(alias)}:role/rehearsal")


def _key(alias: AccountAlias) -> str:
    return f"rehearsal.{alias}"


def _number(alias: AccountAlias) -> str:
    """A number of an account: twelve digits, and the same for every run."""
    return str(10**11 + int(sha256(alias.text.encode()).hexdigest(), 16) % (9 * 10**11))


def _bucket(project: str) -> str:
    return f"rehearsal-{project}"
