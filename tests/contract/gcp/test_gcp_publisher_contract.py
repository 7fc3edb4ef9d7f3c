"""The port ``GcpPublisher``, promise by promise, as the REST adapter keeps it against the simulator."""

import asyncio
import io
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import TypeVar, cast
from urllib.request import Request, urlopen

import pytest

from penstock.adapters.gcp import GcpOptions
from penstock.adapters.gcp.publisher import GcpImageAccounts
from penstock.adapters.http.options import HttpOptions, Retries, Timeouts
from penstock.formats.diskarchive import pack_disk
from penstock.model.digest import Digest
from penstock.model.errors import NotFoundError, OperationError, TransientError, VerificationError
from penstock.model.progress import Progress
from penstock.model.push.accounts import AccountAlias, GcpCredential
from penstock.model.push.content import Extent
from penstock.model.push.gcp import (
    CONTENT_LABEL,
    EVERYBODY,
    DeprecationState,
    GceInsertion,
    GceNameTaken,
    described,
    label_of,
)
from penstock.ports.gcp import GcpPublisher
from penstock.ports.removal import GcpRemover
from penstock.ports.retries import hearing_retries
from penstock.simulators.cloud import Fault
from penstock.simulators.gcp import GcpSimulator, GcpThread

T = TypeVar("T")
_PROJECT, _BUCKET, _KEY = "rhel-images", "images", "rhel 9.4/x.tar.gz"
_DISK = b"a disk"
_UNIT_BYTES = 1 << 16  # a GiB in each test would take a minute
_PADDED = Digest.of(_DISK.ljust(_UNIT_BYTES, b"\0"))
_INSERTION = GceInsertion(
    name="rhel-9-4",
    description=described("RHEL", _PADDED),
    architecture="X86_64",
    licenses=("https://www.googleapis.com/compute/v1/projects/vm-options/global/licenses/enable-vmx",),
    guest_os_features=("GVNIC", "UEFI_COMPATIBLE"),
    labels={"team": "rhel", CONTENT_LABEL: label_of(_PADDED)},
    storage_locations=("europe-west1",),
)


class Bytes:
    """:class:`penstock.ports.gcp.ArchiveStream` of bytes; ``told`` is whether their number is known."""

    def __init__(self, content: bytes, *, told: bool = False) -> None:
        self._file = io.BytesIO(content)
        self.size_bytes = len(content) if told else None

    def read(self, length: int) -> bytes:
        return self._file.read(length)


@pytest.fixture
def gcp() -> Iterator[GcpSimulator]:
    with GcpThread(writable=True, anonymous=True, buckets=[_BUCKET], disk_unit_bytes=_UNIT_BYTES) as running:
        yield running


@pytest.fixture
def do(gcp: GcpSimulator) -> Callable[[Callable[[GcpPublisher], Awaitable[T]]], T]:
    """Does something with a new publisher, in a loop of its own; chunks have 256 KiB."""
    retries = Retries(attempts=4, first_wait_s=0.01, longest_wait_s=0.02, longest_retry_after_s=0.0, total_s=60)
    options = GcpOptions(endpoint=gcp.url, http=HttpOptions(retries=retries, timeouts=Timeouts(stall_s=30), environment={}))
    credential = GcpCredential(alias=AccountAlias.parse("gcp-us-storage"), project=_PROJECT, bucket=_BUCKET, service_account="{}")

    def put(work: Callable[[GcpPublisher], Awaitable[T]]) -> T:
        async def go() -> T:
            async with GcpImageAccounts(options, chunk_bytes=1) as accounts:
                return await work(accounts.publisher(credential))

        return asyncio.run(go())

    return put


Do = Callable[[Callable[[GcpPublisher], Awaitable[object]]], object]


def ignored(_: Progress) -> None:
    """Nobody looks."""


async def uploaded(publisher: GcpPublisher, content: bytes, *, told: bool = False, key: str = _KEY) -> object:
    metadata = {CONTENT_LABEL: _PADDED.hex}
    return await publisher.upload(_BUCKET, key, Bytes(content, told=told), metadata=metadata, progress=ignored, item="x")


def archived() -> bytes:
    extents = [Extent(0, len(_DISK))]
    return b"".join(pack_disk(len(_DISK), extents, lambda start, length: _DISK[start : start + length], unit_bytes=_UNIT_BYTES))


async def made(publisher: GcpPublisher, insertion: GceInsertion = _INSERTION) -> None:
    await uploaded(publisher, archived())
    await finished(publisher, await publisher.insert_image(_PROJECT, insertion, bucket=_BUCKET, key=_KEY))


async def finished(publisher: GcpPublisher, name: str) -> None:
    operation = await publisher.operation(_PROJECT, name)
    assert (operation.done, operation.error) == (True, "")


def held(gcp: GcpSimulator, key: str = _KEY) -> bytes:
    return b"".join(gcp.storage.objects[(_BUCKET, key)].chunks())


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("size", [1, (256 << 10) - 1, 256 << 10, (256 << 10) + 1, 700_000])
def test_what_is_uploaded_arrives_with_its_metadata(size: int, told: bool, gcp: GcpSimulator, do: Do) -> None:
    content = bytes(range(251)) * (size // 251) + b"x" * (size % 251)
    do(lambda publisher: uploaded(publisher, content, told=told))
    assert held(gcp) == content
    found = do(lambda publisher: publisher.object(_BUCKET, _KEY))
    assert getattr(found, "content", None) == _PADDED
    assert getattr(found, "size_bytes", None) == size


@pytest.mark.parametrize("fault", ["status=503,times=1@PUT", "cut=0,after=3,times=1@PUT", "status=503,after=1,times=2@PUT"])
def test_a_cut_in_the_middle_is_gone_on_from_what_the_service_has(fault: str, gcp: GcpSimulator, do: Do) -> None:
    gcp.faults.add(Fault.parse(fault))
    heard: list[str] = []
    with hearing_retries(heard.append):
        do(lambda publisher: uploaded(publisher, b"0123456789" * 90_000))
    assert held(gcp) == b"0123456789" * 90_000
    assert gcp.storage.sessions == 1
    assert heard


def test_a_service_that_takes_only_a_part_gets_the_rest(gcp: GcpSimulator, do: Do) -> None:
    gcp.storage.most_bytes = 256 << 10
    do(lambda publisher: uploaded(publisher, b"0123456789" * 90_000))
    assert held(gcp) == b"0123456789" * 90_000


def test_what_stands_there_is_left_alone(gcp: GcpSimulator, do: Do) -> None:
    do(lambda publisher: uploaded(publisher, b"first"))
    do(lambda publisher: uploaded(publisher, b"second"))
    assert held(gcp) == b"first"


def test_two_who_bring_one_object_at_once_bring_it_once(gcp: GcpSimulator, do: Do) -> None:
    async def both(publisher: GcpPublisher) -> object:
        one, other = await asyncio.gather(uploaded(publisher, b"ab" * 300_000), uploaded(publisher, b"ab" * 300_000))
        assert one == other
        return one

    do(both)
    assert held(gcp) == b"ab" * 300_000


def test_what_arrived_otherwise_than_it_was_sent_is_deleted(gcp: GcpSimulator, do: Do) -> None:
    gcp.storage.spoils = True
    with pytest.raises(VerificationError, match="other bytes"):
        do(lambda publisher: uploaded(publisher, b"abc"))
    assert not gcp.storage.objects


def test_an_image_is_made_of_the_disk_and_told_whole(gcp: GcpSimulator, do: Do) -> None:
    do(made)
    assert gcp.making.images[_PROJECT, "rhel-9-4"].content == _PADDED
    found = do(lambda publisher: publisher.image(_PROJECT, "rhel-9-4"))
    assert found is not None
    told = {
        name: getattr(found, name) for name in ("status", "architecture", "licenses", "guest_os_features", "labels", "content", "family")
    }
    assert told == {
        "status": "READY",
        "architecture": "X86_64",
        "licenses": _INSERTION.licenses,
        "guest_os_features": _INSERTION.guest_os_features,
        "labels": _INSERTION.labels,
        "content": _PADDED,
        "family": "",
    }
    assert gcp.making.images[_PROJECT, "rhel-9-4"].document["storageLocations"] == ["europe-west1"]


def test_an_image_is_pending_until_its_operation_is_over(gcp: GcpSimulator, do: Do) -> None:
    gcp.making.latencies.insert = 3600

    async def begun(publisher: GcpPublisher) -> str:
        await uploaded(publisher, archived())
        return await publisher.insert_image(_PROJECT, _INSERTION, bucket=_BUCKET, key=_KEY)

    name = str(do(begun))
    operation = do(lambda publisher: publisher.operation(_PROJECT, name))
    assert (getattr(operation, "done", None), getattr(operation, "progress_percent", None)) == (False, 0)
    assert getattr(do(lambda publisher: publisher.image(_PROJECT, "rhel-9-4")), "status", "") == "PENDING"
    gcp.clock.advance(3601)
    assert getattr(do(lambda publisher: publisher.image(_PROJECT, "rhel-9-4")), "status", "") == "READY"


def test_an_answer_that_is_lost_makes_no_second_image(gcp: GcpSimulator, do: Do) -> None:
    gcp.faults.add(Fault.parse("cut=0,times=1@POST .*/global/images\\?"))
    do(made)
    inserted = [each for each in gcp.requests if each.api == "gcp.images.insert"]
    assert len({each.query["requestId"] for each in inserted}) == 1
    assert len(inserted) == 2


def test_a_name_that_is_taken_is_told_as_such(do: Do) -> None:
    do(made)
    with pytest.raises(GceNameTaken):
        do(lambda publisher: publisher.insert_image(_PROJECT, _INSERTION, bucket=_BUCKET, key=_KEY))


def test_a_wrong_archive_is_the_operations_error(do: Do) -> None:
    async def broken(publisher: GcpPublisher) -> str:
        await uploaded(publisher, b"no archive")
        name = await publisher.insert_image(_PROJECT, _INSERTION, bucket=_BUCKET, key=_KEY)
        return (await publisher.operation(_PROJECT, name)).error

    assert "not a valid image" in str(do(broken))
    assert do(lambda publisher: publisher.image(_PROJECT, "rhel-9-4")) is None


def test_a_quota_is_told_in_googles_words(gcp: GcpSimulator, do: Do) -> None:
    gcp.making.quota = 0
    with pytest.raises(OperationError, match="Quota 'IMAGES' exceeded"):
        do(made)


def test_who_may_use_an_image_is_added_to_what_its_policy_says(gcp: GcpSimulator, do: Do) -> None:
    do(made)
    policy = gcp.making.images[_PROJECT, "rhel-9-4"].policy
    condition = {"title": "soon over", "expression": "request.time < timestamp('2027-01-01T00:00:00Z')"}
    policy.replace(
        {
            "bindings": [
                {"role": "roles/compute.imageUser", "members": ["user:a@example.com"], "condition": condition},
                {"role": "roles/compute.storageAdmin", "members": ["user:b@example.com"]},
            ]
        }
    )
    do(lambda publisher: publisher.grant(_PROJECT, "rhel-9-4", ["group:qa@example.com"]))
    do(lambda publisher: publisher.grant(_PROJECT, "rhel-9-4", ["group:qa@example.com", EVERYBODY]))
    assert do(lambda publisher: publisher.users(_PROJECT, "rhel-9-4")) == {"group:qa@example.com", EVERYBODY}
    assert policy.bindings[0]["condition"] == condition
    assert policy.members("roles/compute.storageAdmin") == {"user:b@example.com"}


def test_a_policy_that_others_change_meanwhile_loses_nobody(gcp: GcpSimulator, do: Do) -> None:
    do(made)
    members = [f"user:{number}@example.com" for number in range(6)]

    async def all_at_once(publisher: GcpPublisher) -> object:
        return await asyncio.gather(*(publisher.grant(_PROJECT, "rhel-9-4", [each]) for each in members))

    do(all_at_once)
    assert gcp.making.images[_PROJECT, "rhel-9-4"].policy.members() == set(members)


def test_a_member_that_the_organisation_forbids_is_refused_in_googles_words(gcp: GcpSimulator, do: Do) -> None:
    do(made)
    gcp.making.domains = frozenset({"example.com"})
    with pytest.raises(OperationError, match="permitted customer"):
        do(lambda publisher: publisher.grant(_PROJECT, "rhel-9-4", [EVERYBODY]))


def test_a_family_is_joined_and_its_images_are_listed_whatever_their_state(gcp: GcpSimulator, do: Do) -> None:
    async def two(publisher: GcpPublisher) -> object:
        await made(publisher)
        await made(publisher, replace(_INSERTION, name="rhel-9-5"))
        for name in ("rhel-9-4", "rhel-9-5"):
            await finished(publisher, await publisher.set_family(_PROJECT, name, "rhel-9"))
        deprecated = await publisher.deprecate(_PROJECT, "rhel-9-4", DeprecationState.OBSOLETE, replacement="rhel-9-5")
        await finished(publisher, deprecated)
        return {each.name: each.state for each in await publisher.images_of_family(_PROJECT, "rhel-9")}

    assert do(two) == {"rhel-9-4": DeprecationState.OBSOLETE, "rhel-9-5": DeprecationState.ACTIVE}
    with urlopen(Request(f"{gcp.url}/compute/v1/projects/{_PROJECT}/global/images/family/rhel-9")) as answer:
        assert json.load(answer)["name"] == "rhel-9-5"
    replacement = gcp.making.images[_PROJECT, "rhel-9-4"].deprecated
    assert replacement is not None
    assert str(replacement["replacement"]).endswith(f"/projects/{_PROJECT}/global/images/rhel-9-5")


def test_a_bucket_is_there_or_not(do: Do) -> None:
    assert do(lambda publisher: publisher.has_bucket(_BUCKET)) is True
    assert do(lambda publisher: publisher.has_bucket("nobodys")) is False


def test_what_the_service_does_not_know_is_not_found(do: Do) -> None:
    assert do(lambda publisher: publisher.object(_BUCKET, "x")) is None
    assert do(lambda publisher: publisher.image(_PROJECT, "x")) is None
    with pytest.raises(NotFoundError):
        do(lambda publisher: publisher.operation(_PROJECT, "operation-1"))


@pytest.mark.parametrize(("fault", "error"), [("status=500", TransientError), ("status=403", OperationError)])
def test_a_call_that_fails_names_what_it_was_about_and_no_query(fault: str, error: type[Exception], gcp: GcpSimulator, do: Do) -> None:
    gcp.faults.add(Fault.parse(fault))
    with pytest.raises(error, match="the image rhel-9-4 of rhel-images") as caught:
        do(lambda publisher: publisher.insert_image(_PROJECT, _INSERTION, bucket=_BUCKET, key=_KEY))
    assert "requestId" not in str(caught.value)


def test_the_address_of_a_session_is_in_no_message_and_in_no_log(gcp: GcpSimulator, do: Do) -> None:
    gcp.faults.add(Fault.parse("status=400@PUT"))
    with pytest.raises(OperationError) as caught:
        do(lambda publisher: uploaded(publisher, b"x"))
    assert "upload_id" not in f"{caught.value} {caught.value.hint} {caught.value!r}"
    assert {each.query["upload_id"] for each in gcp.requests if "upload_id" in each.query} == {"***"}


def test_an_image_is_deleted_once_and_then_is_not_there(do: Do) -> None:
    async def work(publisher: GcpPublisher) -> None:
        await made(publisher)
        remover = cast("GcpRemover", publisher)
        operation = await remover.delete_image(_PROJECT, _INSERTION.name)
        assert operation is not None
        await finished(publisher, operation)
        assert await remover.image(_PROJECT, _INSERTION.name) is None
        assert await remover.delete_image(_PROJECT, _INSERTION.name) is None

    do(work)
