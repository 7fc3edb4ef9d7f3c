"""What the simulator refuses, and how it can go wrong."""

import asyncio
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from penstock.adapters.azure.blobs import AzureBlobClient
from penstock.adapters.azure.storageaccount import BlobOptions, parse_connection_string
from penstock.adapters.http.options import HttpOptions, Retries
from penstock.formats.vhd import VhdFooter
from penstock.model.digest import Digest
from penstock.model.errors import NotFoundError, OperationError, TransientError
from penstock.model.push.blobs import BlobKind, BlobName, copy_marks, upload_marks
from penstock.ports.retries import hearing_retries
from penstock.simulators.azureblobs import AzureBlobsSimulator, AzureBlobsThread
from penstock.simulators.azureblobs.documents import checked_tags
from penstock.simulators.cloud import Fault
from penstock.simulators.cloud.operations import Refusal

AT = BlobName("pubupload", "rhel.vhd")
MARKS = upload_marks(Digest.of(b"a disk"), {"name": "rhel"})


@asynccontextmanager
async def _client(simulator: AzureBlobsSimulator, connection_string: str = "") -> AsyncIterator[AzureBlobClient]:
    http = HttpOptions(retries=Retries(attempts=3, first_wait_s=0.01), environment={})
    account = parse_connection_string(connection_string or simulator.connection_string)
    client = AzureBlobClient(account, BlobOptions(http=http), simulator.clock)
    try:
        yield client
    finally:
        await client.close()


def _done(simulator: AzureBlobsSimulator, work: Callable[[AzureBlobClient], Awaitable[None]], connection_string: str = "") -> None:
    async def run() -> None:
        async with _client(simulator, connection_string) as client:
            await work(client)

    asyncio.run(run())


def _status(address: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:  # of loopback
            return int(answer.status), ""
    except urllib.error.HTTPError as error:
        with error:
            return error.code, str(error.headers["x-ms-error-code"])


def test_a_wrong_key_is_refused_in_words_without_it() -> None:
    with AzureBlobsThread() as simulator:
        wrong = b64encode(b"another key").decode()
        text = f"AccountName=simulated;AccountKey={wrong};BlobEndpoint={simulator.url}/simulated"

        async def work(client: AzureBlobClient) -> None:
            with pytest.raises(OperationError, match="AuthenticationFailed") as error:
                await client.check()
            assert wrong not in str(error.value)
            assert "connection string" in error.value.hint

        _done(simulator, work, text)


def test_who_does_not_sign_is_refused() -> None:
    with AzureBlobsThread() as simulator:
        assert _status(f"{simulator.url}/simulated?comp=list") == (403, "NoAuthenticationInformation")


def test_a_signed_address_ends_by_the_clock() -> None:
    with AzureBlobsThread(containers=["pubupload"], now=datetime(2026, 5, 11, tzinfo=UTC)) as simulator:

        async def work(client: AzureBlobClient) -> None:
            await client.create_page_blob(AT, 512, MARKS, fence=1)
            signed = client.sas_uri(client.address(AT))
            assert (await asyncio.to_thread(_status, signed))[0] == 200
            simulator.clock.advance(1096 * 24 * 3600)
            assert await asyncio.to_thread(_status, signed) == (403, "AuthenticationFailed")

        _done(simulator, work)


def test_no_signature_is_in_the_log_of_requests() -> None:
    with AzureBlobsThread(containers=["pubupload"]) as simulator:

        async def work(client: AzureBlobClient) -> None:
            await client.create_page_blob(AT, 512, MARKS, fence=1)
            await asyncio.to_thread(_status, client.sas_uri(client.address(AT)))

        _done(simulator, work)
        assert simulator.requests[-1].query["sig"] == "***"
        assert {each.authorization for each in simulator.requests[:-1]} == {"sharedkey"}


def test_what_is_busy_for_a_moment_is_asked_again_visibly() -> None:
    with AzureBlobsThread(containers=["pubupload"], faults=[Fault.parse("status=503,times=2@comp=page")]) as simulator:
        heard: list[str] = []

        async def work(client: AzureBlobClient) -> None:
            await client.create_page_blob(AT, 1024, MARKS, fence=1)
            with hearing_retries(heard.append):
                await client.put_pages(AT, 512, b"x" * 512, fence=1)

        _done(simulator, work)
        assert len(heard) == 2
        assert all("ServerBusy" in each for each in heard)
        assert simulator.read("pubupload/rhel.vhd") == bytes(512) + b"x" * 512


def test_what_stays_busy_is_transient() -> None:
    with AzureBlobsThread(faults=[Fault.parse("status=500")]) as simulator:

        async def work(client: AzureBlobClient) -> None:
            with pytest.raises(TransientError):
                await client.check()

        _done(simulator, work)


def test_a_creation_whose_answer_was_lost_is_found_as_it_was_made() -> None:
    with AzureBlobsThread(containers=["pubupload"], faults=[Fault.parse("cut=0,times=1@PUT /simulated/pubupload$")]) as simulator:

        async def work(client: AzureBlobClient) -> None:
            await client.create_container("pubupload")

        _done(simulator, work)


def test_copies_take_their_time_and_may_be_ended() -> None:
    with AzureBlobsThread(containers=["pubupload"], copy_s=60, now=datetime(2026, 5, 11, tzinfo=UTC)) as simulator:

        async def work(client: AzureBlobClient) -> None:
            await client.create_page_blob(AT, 512, MARKS, fence=1)
            source, names = client.address(AT), [BlobName("pubupload", name) for name in ("a.vhd", "b.vhd")]
            copies = [await client.start_copy(at, client.sas_uri(source), copy_marks(source, {})) for at in names]
            assert [each.status for each in copies] == ["pending"] * 2
            await client.abort_copy(names[1], copies[1].id)
            simulator.clock.advance(60)
            found = [blob for at in names if (blob := await client.blob(at)) is not None]
            assert [blob.copy.status for blob in found if blob.copy is not None] == ["success", "aborted"]

        _done(simulator, work)


def test_a_file_stands_for_an_address_elsewhere(tmp_path: Path) -> None:
    file = tmp_path / "rhcos.vhd"
    file.write_bytes(bytes(1024) + VhdFooter(size_bytes=1024).encode())
    elsewhere = "https://rhcos.example/images/rhcos.vhd"
    with AzureBlobsThread(containers=["pubupload"], sources={elsewhere: file}) as simulator:

        async def work(client: AzureBlobClient) -> None:
            await client.start_copy(AT, f"{elsewhere}?sig=secret", copy_marks(elsewhere, {}))
            found = await client.blob(AT)
            assert found is not None
            assert (found.kind, found.size_bytes) == (BlobKind.PAGE, 1536)
            with pytest.raises(NotFoundError):
                await client.start_copy(BlobName("pubupload", "x"), "https://rhcos.example/other", copy_marks("", {}))

        _done(simulator, work)
        assert simulator.read("pubupload/rhel.vhd") == file.read_bytes()


def test_new_tags_are_found_late() -> None:
    with AzureBlobsThread(containers=["pubupload"], tag_delay_s=30, now=datetime(2026, 5, 11, tzinfo=UTC)) as simulator:

        async def work(client: AzureBlobClient) -> None:
            await client.create_page_blob(AT, 512, MARKS, fence=1)
            assert await client.blobs_by_tags({"name": "rhel"}) == ()
            simulator.clock.advance(30)
            assert [each.at for each in await client.blobs_by_tags({"name": "rhel"})] == [AT]

        _done(simulator, work)


@pytest.mark.parametrize("tags", [{f"t{number}": "" for number in range(11)}, {"a": "~"}, {"": "x"}])
def test_tags_that_azure_does_not_take_are_refused(tags: dict[str, str]) -> None:
    with pytest.raises(Refusal):
        checked_tags(tags)


def test_the_bytes_are_gone_with_the_simulator(tmp_path: Path) -> None:
    with AzureBlobsThread(containers=["pubupload"], folder=tmp_path) as simulator:

        async def work(client: AzureBlobClient) -> None:
            await client.create_page_blob(AT, 1 << 40, MARKS, fence=1)

        _done(simulator, work)
        assert sum(1 for _ in tmp_path.rglob("*")) == 2
    assert not list(tmp_path.iterdir())


def test_the_account_is_asked_with_a_slash_as_the_sdk_does() -> None:
    with AzureBlobsThread() as simulator:
        assert [_status(f"{simulator.url}/{simulator.account}{end}?comp=list") for end in ("", "/")] == [
            (403, "NoAuthenticationInformation"),
            (403, "NoAuthenticationInformation"),
        ]
