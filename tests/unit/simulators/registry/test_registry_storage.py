"""Both storages keep the same promises; the directory keeps them over the end of its process."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.oci.descriptor import RawManifest
from penstock.model.digest import Digest
from penstock.model.errors import InputError, OperationError
from penstock.simulators.registry import DirectoryStorage, MemoryStorage, Storage, flip_bit

Fill = Callable[[Storage, str, bytes], Digest]


@pytest.fixture(params=["memory", "directory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return MemoryStorage() if request.param == "memory" else DirectoryStorage(tmp_path / "images")


@given(pieces=st.lists(st.binary(max_size=50), max_size=5), switch=st.integers(0, 5))
def test_an_upload_is_hashed_with_either_algorithm_whenever_it_is_asked_for(pieces: list[bytes], switch: int) -> None:
    upload = MemoryStorage().open_upload()
    for number, piece in enumerate(pieces):
        if number == switch:
            upload.use("sha512")
        upload.append(piece)
    content = b"".join(pieces)
    for algorithm in ("sha256", "sha512", "sha256"):
        hasher = Digest(algorithm, "0" * (64 if algorithm == "sha256" else 128)).hasher()
        hasher.update(content)
        assert upload.matches(Digest(algorithm, hasher.hexdigest()))
        hasher.update(b"more")
        assert not upload.matches(Digest(algorithm, hasher.hexdigest()))


def test_a_file_upload_is_read_again_for_another_algorithm(storage: Storage) -> None:
    upload = storage.open_upload()
    upload.append(b"some")
    upload.append(b"thing")
    hasher = Digest("sha512", "0" * 128).hasher()
    hasher.update(b"something")
    assert upload.matches(Digest("sha512", hasher.hexdigest()))


def test_tampering_changes_the_bytes_and_nothing_else(storage: Storage, fill: Fill) -> None:
    digest = fill(storage, "a", b"\x00\x00\x00")
    storage.tamper(digest, flip_bit())
    content = storage.find_content(digest)
    assert content is not None
    assert content.read(0, 10) == b"\x00\x01\x00"
    assert storage.holds_blob("a", digest)


def test_tampering_with_nothing_is_an_error_of_the_caller(storage: Storage) -> None:
    with pytest.raises(KeyError):
        storage.tamper(Digest.of(b"nothing"), flip_bit())


def test_a_broken_manifest_can_be_put_in_directly(storage: Storage) -> None:
    broken = RawManifest.of(b"{ not json", "application/vnd.oci.image.manifest.v1+json")
    storage.put_manifest("a/b", broken, ["v1"])
    assert storage.find_tag("a/b", "v1") == broken.digest
    assert storage.find_manifest("a/b", broken.digest) == broken


def test_a_tag_may_be_called_like_a_folder_of_the_storage(storage: Storage, manifest: RawManifest) -> None:
    storage.put_manifest("a", manifest, ["_blobs", "_manifests", "_tags"])
    assert storage.list_repositories() == ["a"]
    assert storage.list_tags("a") == ["_blobs", "_manifests", "_tags"]


def test_content_is_stored_once_for_all_repositories(tmp_path: Path, fill: Fill) -> None:
    storage = DirectoryStorage(tmp_path)
    for repository in ("a", "b", "a/b"):
        fill(storage, repository, b"the same")
    assert len([path for path in tmp_path.rglob("*") if path.is_file() and path.read_bytes() == b"the same"]) == 1


def test_a_directory_is_the_same_when_it_is_opened_again(tmp_path: Path, fill: Fill, manifest: RawManifest) -> None:
    first = DirectoryStorage(tmp_path)
    digest = fill(first, "a/b", b"{}")
    first.put_manifest("a/b", manifest, ["v1", "v2"])
    first.delete_tag("a/b", "v2")
    first.close()
    second = DirectoryStorage(tmp_path)
    assert second.list_repositories() == ["a/b"]
    assert second.list_tags("a/b") == ["v1"]
    assert second.find_manifest("a/b", manifest.digest) == manifest
    assert second.holds_blob("a/b", digest)


def test_opening_removes_what_nobody_can_reach(tmp_path: Path, fill: Fill) -> None:
    first = DirectoryStorage(tmp_path)
    kept, dropped = fill(first, "a", b"kept"), fill(first, "a", b"dropped")
    first.unlink_blob("a", dropped)
    first.open_upload().append(b"half an upl")
    first.close()
    second = DirectoryStorage(tmp_path)
    assert second.find_content(kept) is not None
    assert second.find_content(dropped) is None
    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_folder_is_served_by_one_process_at_a_time(tmp_path: Path) -> None:
    first = DirectoryStorage(tmp_path)
    with pytest.raises(OperationError, match="another process"):
        DirectoryStorage(tmp_path)
    first.close()
    DirectoryStorage(tmp_path).close()


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OperationError, match="cannot be used") as caught:
        DirectoryStorage(tmp_path / "file")
    assert caught.value.subject == str(tmp_path / "file")


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads" / "holiday.jpg").write_bytes(b"dear to somebody")
    with pytest.raises(InputError, match="not empty"):
        DirectoryStorage(tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["uploads", "holiday.jpg"]


def test_memory_gives_content_back_that_no_repository_holds(fill: Fill) -> None:
    storage = MemoryStorage()
    digest = fill(storage, "a", b"bytes")
    fill(storage, "b", b"bytes")
    storage.unlink_blob("a", digest)
    assert storage.find_content(digest) is not None
    storage.unlink_blob("b", digest)
    assert storage.find_content(digest) is None
