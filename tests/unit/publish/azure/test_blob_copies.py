"""Copies that the service makes, of an account in memory."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from tests.unit.publish.azure.fakeblobs import FakeBlobs
from tests.unit.publish.azure.vhds import BUILD, VHD
from tests.unit.publish.fakecloud import Killed

from penstock.model.errors import TransientError
from penstock.model.push.blobs import BlobKind, BlobName, BlobState
from penstock.model.push.journal import ExternalId

if TYPE_CHECKING:
    from tests.unit.publish.azure.conftest import BlobPushes

AT = BlobName("pubupload", "rhel.vhd")
FROM = "https://rhcos.example/images/rhcos.vhd?sig=secret"


@pytest.fixture
def copies(pushes: "BlobPushes") -> "BlobPushes":
    pushes.account.sources[FROM] = (BlobKind.PAGE, VHD)
    return pushes


def test_a_copy_is_waited_for_looked_at_and_tagged(copies: "BlobPushes") -> None:
    (end,) = asyncio.run(copies.run(copies.copied(FROM)))
    assert end.failure is None
    found = asyncio.run(FakeBlobs(copies.account).blob(AT))
    assert found is not None
    assert found.state is BlobState.COMPLETE
    assert found.tags == BUILD, "upstream gives copies no tags"
    assert [ids for ids in end.outcomes.values() if ExternalId.OPERATION in ids] == [
        {ExternalId.BLOB: "https://pictures.blob.example/pubupload/rhel.vhd", ExternalId.OPERATION: "copy-1"}
    ]


@pytest.mark.parametrize("answered", [False, True], ids=["before the call", "before its answer"])
def test_a_copy_killed_at_any_call_is_begun_once(answered: bool, new_pushes: "Callable[[], BlobPushes]") -> None:
    whole = new_pushes()
    whole.account.sources[FROM] = (BlobKind.PAGE, VHD)
    asyncio.run(whole.run(whole.copied(FROM)))
    killed = 0
    for number in range(1, whole.account.count + 1):
        pushes = new_pushes()
        pushes.account.sources[FROM] = (BlobKind.PAGE, VHD)
        pushes.account.revive(number, after_effect=answered)
        try:
            asyncio.run(pushes.run(pushes.copied(FROM)))
        except Killed:
            killed += 1
            pushes.account.revive()
            asyncio.run(pushes.run(pushes.copied(FROM)))
        found = asyncio.run(FakeBlobs(pushes.account).blob(AT))
        assert found is not None
        assert found.state is BlobState.COMPLETE
        assert pushes.account.copied == 1
    assert killed >= (3 if answered else 7)


def test_the_next_push_finds_the_copy(copies: "BlobPushes") -> None:
    asyncio.run(copies.run(copies.copied(FROM)))
    assert asyncio.run(copies.plan(copies.copied(FROM.replace("secret", "another")))).idle


def test_no_query_of_a_source_is_written_down(copies: "BlobPushes") -> None:
    asyncio.run(copies.run(copies.copied(FROM)))
    assert "secret" not in repr(copies.journal.events)
    assert "secret" not in repr(copies.account.blobs[AT].metadata)


def test_a_block_blob_is_no_image(copies: "BlobPushes") -> None:
    copies.account.sources[FROM] = (BlobKind.BLOCK, VHD)
    (end,) = asyncio.run(copies.run(copies.copied(FROM)))
    assert end.failure is not None
    assert "BlockBlob" in str(end.failure.error)


def test_a_copy_that_is_no_vhd_is_refused_in_every_run(copies: "BlobPushes") -> None:
    copies.account.sources[FROM] = (BlobKind.PAGE, bytes(4096))
    for _ in range(2):
        (end,) = asyncio.run(copies.run(copies.copied(FROM)))
        assert end.failure is not None
        assert "no VHD" in str(end.failure.error)


def test_a_failed_copy_says_why_and_is_begun_anew_by_the_next_push(copies: "BlobPushes") -> None:
    copies.account.copy_failure = "403 of https://x.example/y?sig=secret"
    (end,) = asyncio.run(copies.run(copies.copied(FROM)))
    assert end.failure is not None
    assert "failed: 403 of" in str(end.failure.error)
    assert "secret" not in str(end.failure.error)
    copies.account.copy_failure = ""
    (again,) = asyncio.run(copies.run(copies.copied(FROM)))
    assert again.failure is None
    assert copies.account.copied == 2


def test_a_copy_that_takes_too_long_is_left_to_the_next_push(copies: "BlobPushes") -> None:
    copies.account.copy_looks = 10**6
    (end,) = asyncio.run(copies.run(copies.copied(FROM)))
    assert end.failure is not None
    assert isinstance(end.failure.error, TransientError)
    assert copies.wait.total_s == pytest.approx(7200)
    copies.account.blobs[AT].copy_looks = 0
    (again,) = asyncio.run(copies.run(copies.copied(FROM)))
    assert again.failure is None
    assert copies.account.copied == 1
