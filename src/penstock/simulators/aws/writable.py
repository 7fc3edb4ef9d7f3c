"""Accounts of AWS in which images are made and sold: S3, STS, EC2's imports, snapshots and images, EBS direct, the Marketplace Catalog.

::

    with WritableAwsThread(accounts={"KEY-OF-CHINA": "210987654321"}) as aws:
        boto3.client("s3", region_name="us-east-1", endpoint_url=aws.url, aws_access_key_id="any", aws_secret_access_key="any")

S3 and STS are moto's.  EC2 is ours: moto keeps an image's name and description alone, has no imports, and its snapshots are completed at
birth.  So is EBS direct, whose snapshots are EC2's, and whose checksums moto does not look at; and the Catalog, which moto has not.

Left out on purpose: machines, volumes, policies and roles (``vmimport`` is not asked for), encryption, other formats of disks than raw.
"""

import asyncio
import re
import ssl
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cached_property
from types import TracebackType
from typing import ClassVar, Self

from aiohttp import web

from penstock.model.errors import NotFoundError
from penstock.simulators.aws.blocks import Blocks, ebs_error
from penstock.simulators.aws.callers import Caller, caller_of
from penstock.simulators.aws.disks import Disk, Disks
from penstock.simulators.aws.imports import ImportRun, Imports
from penstock.simulators.aws.latencies import Latencies
from penstock.simulators.aws.market import Market, market_error
from penstock.simulators.aws.mounted import MountedMoto, StoredObject
from penstock.simulators.aws.products import Products, SoldProduct
from penstock.simulators.aws.query import listed, tags_in, xml_answer
from penstock.simulators.aws.registering import Registering
from penstock.simulators.aws.server import Action, AskedFault, AwsSimulator
from penstock.simulators.aws.shown import ShownImage
from penstock.simulators.aws.storage import Storage, s3_error
from penstock.simulators.cloud.catalogue import Catalogue
from penstock.simulators.cloud.faults import Fault
from penstock.simulators.cloud.operations import Call, Operation, Refusal
from penstock.simulators.thread import threaded

_Answer = Callable[[Call, Caller], web.Response]


class WritableAwsSimulator(AwsSimulator):
    """What a push asks of AWS; of all regions, and of several accounts.  Nothing of it outlives the context.

    moto keeps one state for a process, so only one of these serves at a time in it.

    Args:
        catalogue: AMIs that are there already.
        latencies: how long AWS takes; None for no time.
        access_key_id: the only one that is let in; ``""`` lets in everyone who signs.
        account: the number of the account of all keys that are not in ``accounts``.
        accounts: numbers of accounts by the ids of their access keys.
        not_opted_in: see :class:`AwsSimulator`.
        now: the clock stands there; None is the real time.  Latencies go by the real one.
        faults: what goes wrong from the start.
        host: the address to listen on.
        port: 0 is any free one.
        tls: with it the simulator speaks HTTPS.

    Attributes:
        latencies: may be changed while it runs.
    """

    services: ClassVar[frozenset[str]] = frozenset({"ec2", "s3", "sts", "ebs", "aws-marketplace"})
    longest_body_bytes: ClassVar[int] = 1 << 30

    def __init__(
        self,
        catalogue: Catalogue | None = None,
        *,
        latencies: Latencies | None = None,
        access_key_id: str = "",
        account: str = "123456789012",
        accounts: Mapping[str, str] | None = None,
        not_opted_in: Iterable[str] = (),
        now: datetime | None = None,
        faults: Iterable[Fault] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.latencies = latencies or Latencies()
        super().__init__(
            catalogue,
            access_key_id=access_key_id,
            account=account,
            accounts=accounts,
            not_opted_in=not_opted_in,
            now=now,
            faults=faults,
            host=host,
            port=port,
            tls=tls,
        )
        self._moto = MountedMoto()
        self._storage = Storage(self._moto)
        self._imports = Imports(self._moto, self._disks, self.latencies)
        self._registering = Registering(self._images, self._disks, self.clock, self.latencies)

    # The table of operations is made while the base is, and needs these.

    @cached_property
    def _disks(self) -> Disks:
        return Disks(self.clock, self.latencies)

    @cached_property
    def _products(self) -> Products:
        return Products(self._images.find)

    @cached_property
    def market(self) -> Market:
        """The change sets of AWS Marketplace."""
        return Market(self._products, self.clock, self.latencies, lambda: self.url)

    @cached_property
    def _blocks(self) -> Blocks:
        return Blocks(self._disks, self.latencies)

    async def __aenter__(self) -> Self:
        """Begin to serve.

        Raises:
            OperationError: the address cannot be listened on, or another simulator of this process has moto.
        """
        await asyncio.to_thread(self._moto.open)
        try:
            return await super().__aenter__()
        except BaseException:
            await asyncio.to_thread(self._moto.close)
            raise

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End, and forget everything."""
        try:
            await super().__aexit__(kind, error, trace)
        finally:
            await asyncio.to_thread(self._moto.close)

    def _stock(self, catalogue: Catalogue) -> None:
        super()._stock(catalogue)
        self._products.stock(catalogue.aws_products, catalogue.aws_versions)

    # --- what is there, for tests

    def registered_images(self, region: str) -> tuple[ShownImage, ...]:
        """The images that were registered there, in the order of their making."""
        return self._images.registered(region)

    def snapshots(self, region: str) -> tuple[Disk, ...]:
        """The snapshots there, in the order of their making."""
        self._imports.settle()
        return self._disks.all(region)

    def objects(self) -> tuple[StoredObject, ...]:
        """What S3 holds, of all accounts."""
        return self._moto.objects()

    def imports(self, region: str) -> tuple[ImportRun, ...]:
        """The imports there, in the order of their beginning."""
        return self._imports.all(region)

    def blocks(self, snapshot_id: str) -> Mapping[int, bytes]:
        """The blocks of a snapshot that was written by EBS direct."""
        return self._blocks.written(snapshot_id)

    def product(self, product_id: str) -> SoldProduct:
        """A product of AWS Marketplace as it stands.

        Raises:
            NotFoundError: there is none.
        """
        self.market.settle()
        found = self._products.of(product_id, self._account)
        if found is None:
            raise NotFoundError("there is no such product", subject=product_id)
        return found

    def refuse_imports(self, pattern: str) -> None:
        """Have imports fail from now on whose description this expression finds; ``""`` for none."""
        self._imports.refused = re.compile(pattern) if pattern else None

    # --- what can be asked

    def _operations(self) -> Iterable[Operation]:
        blocks: dict[tuple[str, str, str], _Answer] = {
            ("POST", "/snapshots", "ebs.StartSnapshot"): self._blocks.start,
            ("POST", "/snapshots/completion/{snapshot}", "ebs.CompleteSnapshot"): self._blocks.complete,
            ("PUT", "/snapshots/{snapshot}/blocks/{index}", "ebs.PutSnapshotBlock"): self._blocks.put,
            ("GET", "/snapshots/{snapshot}/blocks/{index}", "ebs.GetSnapshotBlock"): self._blocks.get,
            ("GET", "/snapshots/{snapshot}/blocks", "ebs.ListSnapshotBlocks"): self._blocks.list,
        }
        market: dict[tuple[str, str], _Answer] = {
            ("GET", "DescribeEntity"): self.market.describe_entity,
            ("POST", "ListChangeSets"): self.market.list_change_sets,
            ("GET", "DescribeChangeSet"): self.market.describe_change_set,
            ("POST", "StartChangeSet"): self.market.start_change_set,
        }
        yield Operation("POST", "/", "aws", self._query)
        for (method, name), answer in market.items():
            yield Operation(method, f"/{name}", f"marketplace.{name}", self._rest("aws-marketplace", answer))
        yield Operation("GET", "/reports/{change}", "marketplace.report", self.market.report, open=True)
        for (method, path, api), answer in blocks.items():
            yield Operation(method, path, api, self._rest("ebs", answer))
        for method in ("DELETE", "GET", "HEAD", "POST", "PUT"):
            yield Operation(method, "/{key*}", f"s3.{method.lower()}", self._rest("s3", None))

    def _actions(self) -> Mapping[str, Action]:
        images, disks = self._registering, self._disks
        return {
            **super()._actions(),
            "CreateTags": lambda call, caller: self._tag(call, caller, remove=False),
            "DeleteTags": lambda call, caller: self._tag(call, caller, remove=True),
            "RegisterImage": lambda call, caller: images.register(call.form, caller),
            "ModifyImageAttribute": lambda call, caller: images.modify(call.form, caller),
            "DescribeImageAttribute": lambda call, caller: images.tell_permissions(call.form, caller),
            "DeregisterImage": lambda call, caller: images.deregister(call.form, caller),
            "DescribeSnapshots": lambda call, caller: disks.describe(call, call.form, caller),
            "CopyImage": lambda call, caller: images.copy(call.form, caller),
            "CopySnapshot": lambda call, caller: disks.copy(call.form, caller),
            "ModifySnapshotAttribute": lambda call, caller: disks.modify(call.form, caller),
            "DescribeSnapshotAttribute": lambda call, caller: disks.tell_permissions(call.form, caller),
            "DeleteSnapshot": lambda call, caller: disks.delete(call.form, caller, images.uses),
            "DescribeImportSnapshotTasks": lambda call, caller: self._imports.describe(call.form, caller),
        }

    async def _query(self, call: Call) -> web.Response:
        caller = self._caller(call)
        await asyncio.sleep(self.latencies.of_request(len(call.body)))
        self._imports.settle()
        if caller.service == "sts":
            return await self._moto.answer(call.request, call.body, caller.account)
        if call.form.get("Action") == "ImportSnapshot":
            return await self._imports.start(call.form, caller)
        return self._act(call)

    def _rest(self, service: str, answer: "_Answer | None") -> Callable[[Call], "asyncio.Future[web.Response]"]:
        """The handler of an operation of ``service``, or, without one, of any of S3: whatever its path, what is signed for S3 is S3's."""

        async def handle(call: Call) -> web.Response:
            caller = self._caller(call)
            await asyncio.sleep(self.latencies.of_request(len(call.body)))
            if caller.service == "s3":
                return await self._storage.answer(call, caller)
            if answer is None or caller.service != service:
                raise Refusal(404, "NotFound", f"{call.request.path} is not served here")
            return answer(call, caller)

        return lambda call: asyncio.ensure_future(handle(call))

    def _tag(self, call: Call, caller: Caller, *, remove: bool) -> web.Response:
        tags = tags_in(call.form)
        for resource in listed(call.form, "ResourceId"):
            if resource.startswith("ami-"):
                self._registering.tag(caller, resource, tags, remove=remove)
            elif resource.startswith("snap-"):
                self._disks.tag(caller, resource, tags, remove=remove)
            else:
                raise Refusal(400, "InvalidID", f"The ID '{resource}' is not valid")
        return xml_answer(call.form["Action"], {"return": True})

    # --- how it is said

    def _refuse_in(self, refusal: Refusal, request: web.Request) -> web.Response:
        caller, fault = caller_of(request, {}, ""), isinstance(refusal, AskedFault)
        match caller.service if caller else "ec2":
            case "s3":
                return s3_error(refusal, request, fault=fault)
            case "ebs":
                return ebs_error(refusal, fault=fault)
            case "aws-marketplace":
                return market_error(refusal, fault=fault)
            case _:
                return self._refuse(refusal)

    def _name(self, api: str, form: Mapping[str, str]) -> str:
        return super()._name(api, form) if api == "aws" else api

    def _public(self, request: web.Request, form: Mapping[str, str]) -> Mapping[str, str]:
        """Of EC2 and STS the form; a request of S3 and EBS has none.  A presigned address has a signature in it."""
        asked = form if request.content_type == "application/x-www-form-urlencoded" else {}
        return super()._public(request, {name: value for name, value in asked.items() if name != "PresignedUrl"})


WritableAwsThread = threaded(WritableAwsSimulator)
"""A :class:`WritableAwsSimulator` for synchronous code: it serves in a thread with an event loop of its own."""
