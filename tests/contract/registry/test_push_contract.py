"""Pushing, as every registry does it.  Where docker-registry 2.8 and the specification differ, both are accepted and a comment says so."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from penstock.formats.oci.descriptor import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from penstock.model.digest import Digest

if TYPE_CHECKING:
    from tests.contract.registry.conftest import Wire

REPOSITORY = "team/images"
Describe = Callable[[bytes, str], dict[str, Any]]


@pytest.mark.parametrize("size", [0, 1, 3_000_001])
def test_a_blob_comes_back_equal(wire: "Wire", size: int) -> None:
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    digest = wire.push_blob(REPOSITORY, content)
    answer = wire.ask("GET", f"/v2/{REPOSITORY}/blobs/{digest}")
    assert (answer.status, answer.body) == (200, content)
    assert answer.headers["Docker-Content-Digest"] == str(digest)


def test_the_location_of_a_finished_blob_can_be_pulled(wire: "Wire") -> None:
    content = b"where did it go?"
    answer = wire.finish_upload(wire.start_upload(REPOSITORY), Digest.of(content), content)
    assert wire.ask("GET", answer.headers["Location"]).body == content


def test_a_blob_may_come_in_a_single_post(wire: "Wire") -> None:
    content = b"all at once"
    digest = Digest.of(content)
    answer = wire.ask("POST", f"/v2/{REPOSITORY}/blobs/uploads/?digest={digest}", content, {"Content-Type": "application/octet-stream"})
    # A registry may not know this way (docker-registry does not): then it answers as if there were no digest, and the client goes on.
    if answer.status == 202:
        answer = wire.finish_upload(answer.headers["Location"], digest, content)
    assert answer.status == 201
    assert wire.ask("GET", f"/v2/{REPOSITORY}/blobs/{digest}").body == content


def test_a_blob_may_come_in_chunks(wire: "Wire") -> None:
    content = b"0123456789" * 1000
    location = wire.start_upload(REPOSITORY)
    for start in (0, 4000):
        chunk = content[start : start + 4000]
        headers = {"Content-Range": f"{start}-{start + len(chunk) - 1}", "Content-Type": "application/octet-stream"}
        answer = wire.ask("PATCH", location, chunk, headers)
        assert answer.status == 202
        assert answer.headers["Range"] == f"0-{start + 3999}"
        location = answer.headers["Location"]
    assert wire.finish_upload(location, Digest.of(content), content[8000:]).status == 201
    assert wire.ask("GET", f"/v2/{REPOSITORY}/blobs/{Digest.of(content)}").body == content


def test_an_upload_tells_how_far_it_is(wire: "Wire") -> None:
    location = wire.ask("PATCH", wire.start_upload(REPOSITORY), b"12345", {"Content-Type": "application/octet-stream"}).headers["Location"]
    answer = wire.ask("GET", location)
    assert (answer.status, answer.headers["Range"]) == (204, "0-4")
    assert wire.finish_upload(answer.headers["Location"], Digest.of(b"12345")).status == 201


def test_a_chunk_out_of_order_is_refused(wire: "Wire") -> None:
    answer = wire.ask(
        "PATCH", wire.start_upload(REPOSITORY), b"later", {"Content-Range": "7-11", "Content-Type": "application/octet-stream"}
    )
    # docker-registry does not look at Content-Range before 3.0; the digest in the end tells.
    assert answer.status == (202 if wire.server.is_docker_registry else 416)


def test_a_blob_that_differs_from_its_digest_is_refused_and_not_kept(wire: "Wire") -> None:
    digest = Digest.of(b"what was promised")
    answer = wire.finish_upload(wire.start_upload(REPOSITORY), digest, b"what came")
    assert (answer.status, answer.codes) == (400, ["DIGEST_INVALID"])
    assert wire.ask("HEAD", f"/v2/{REPOSITORY}/blobs/{digest}").status == 404
    assert wire.ask("HEAD", f"/v2/{REPOSITORY}/blobs/{Digest.of(b'what came')}").status == 404


def test_an_upload_without_a_digest_is_not_finished(wire: "Wire") -> None:
    answer = wire.ask("PUT", wire.start_upload(REPOSITORY), b"bytes", {"Content-Type": "application/octet-stream"})
    assert (answer.status, answer.codes) == (400, ["DIGEST_INVALID"])


def test_an_upload_that_is_cancelled_is_gone(wire: "Wire") -> None:
    location = wire.start_upload(REPOSITORY)
    assert wire.ask("DELETE", location).status == 204
    answer = wire.ask("GET", location)
    assert (answer.status, answer.codes) == (404, ["BLOB_UPLOAD_UNKNOWN"])


def test_the_query_of_an_upload_location_belongs_to_it(wire: "Wire") -> None:
    location = wire.start_upload(REPOSITORY)
    assert "?" in location
    assert wire.ask("PATCH", location.partition("?")[0], b"x", {"Content-Type": "application/octet-stream"}).status in {400, 404}


def test_a_blob_is_mounted_from_another_repository(wire: "Wire") -> None:
    digest = wire.push_blob("source", b"shared by two")
    assert wire.ask("HEAD", f"/v2/{REPOSITORY}/blobs/{digest}").status == 404
    answer = wire.ask("POST", f"/v2/{REPOSITORY}/blobs/uploads/?mount={digest}&from=source", b"")
    assert (answer.status, answer.headers["Docker-Content-Digest"]) == (201, str(digest))
    assert wire.ask("GET", answer.headers["Location"]).body == b"shared by two"


def test_a_mount_of_an_unknown_blob_begins_an_upload(wire: "Wire") -> None:
    content = b"nowhere yet"
    answer = wire.ask("POST", f"/v2/{REPOSITORY}/blobs/uploads/?mount={Digest.of(content)}&from=source", b"")
    assert answer.status == 202
    assert wire.finish_upload(answer.headers["Location"], Digest.of(content), content).status == 201


def test_many_pushes_at_once_do_not_disturb_each_other(wire: "Wire") -> None:
    contents = [b"the same for all" * 10_000] * 4 + [bytes([number]) * 200_000 for number in range(8)]
    with ThreadPoolExecutor(6) as pool:
        digests = list(pool.map(lambda content: wire.push_blob(REPOSITORY, content), contents))
    assert [wire.ask("GET", f"/v2/{REPOSITORY}/blobs/{digest}").body for digest in digests] == contents


def test_a_manifest_comes_back_byte_for_byte(wire: "Wire") -> None:
    manifest = wire.push_image(REPOSITORY, "v1")
    for reference in ("v1", Digest.of(manifest)):
        answer = wire.get_manifest(REPOSITORY, reference)
        assert (answer.status, answer.body) == (200, manifest)
        assert answer.headers["Content-Type"] == OCI_MANIFEST
        assert answer.headers["Docker-Content-Digest"] == str(Digest.of(manifest))


def test_a_pushed_manifest_is_answered_with_its_digest_and_location(wire: "Wire") -> None:
    manifest = wire.image(REPOSITORY)
    answer = wire.push_manifest(REPOSITORY, "v1", manifest)
    assert (answer.status, answer.headers["Docker-Content-Digest"]) == (201, str(Digest.of(manifest)))
    assert answer.headers["Location"].endswith(f"/v2/{REPOSITORY}/manifests/{Digest.of(manifest)}")


def test_a_manifest_is_pushed_by_its_digest_without_a_tag(wire: "Wire") -> None:
    manifest = wire.image(REPOSITORY)
    assert wire.push_manifest(REPOSITORY, Digest.of(manifest), manifest).status == 201
    # docker-registry knows no repository without tags here, and answers 404.
    assert not json.loads(wire.ask("GET", f"/v2/{REPOSITORY}/tags/list").body).get("tags")


def test_a_manifest_that_differs_from_its_digest_is_refused(wire: "Wire") -> None:
    answer = wire.push_manifest(REPOSITORY, Digest.of(b"another"), wire.image(REPOSITORY))
    assert (answer.status, answer.codes) == (400, ["DIGEST_INVALID"])


def test_a_tag_moves_and_the_old_manifest_stays(wire: "Wire") -> None:
    first, second = wire.push_image(REPOSITORY, "v1", b"one"), wire.push_image(REPOSITORY, "v1", b"two")
    assert wire.get_manifest(REPOSITORY, "v1").body == second
    assert wire.get_manifest(REPOSITORY, Digest.of(first)).body == first


def test_a_manifest_whose_blobs_are_elsewhere_is_refused(wire: "Wire") -> None:
    answer = wire.push_manifest(REPOSITORY, "v1", wire.image("elsewhere"))
    assert answer.status in {400, 404}
    assert set(answer.codes) == {"MANIFEST_BLOB_UNKNOWN"}
    assert wire.get_manifest(REPOSITORY, "v1").status == 404


def test_an_index_comes_back_byte_for_byte(wire: "Wire", describe: Describe) -> None:
    manifests = [wire.push_image(REPOSITORY, arch, arch.encode()) for arch in ("amd64", "arm64")]
    entries = [describe(manifest, OCI_MANIFEST) for manifest in manifests]
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()
    assert wire.push_manifest(REPOSITORY, "all", index, OCI_INDEX).status == 201
    answer = wire.get_manifest(REPOSITORY, "all")
    assert (answer.body, answer.headers["Content-Type"]) == (index, OCI_INDEX)


def test_an_index_of_an_unknown_manifest_is_refused(wire: "Wire", describe: Describe) -> None:
    entry = describe(b"not pushed", OCI_MANIFEST)
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}).encode()
    answer = wire.push_manifest(REPOSITORY, "all", index, OCI_INDEX)
    assert answer.status in {400, 404}
    assert set(answer.codes) == {"MANIFEST_BLOB_UNKNOWN"}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schemaVersion": 2, "mediaType": "application/json"}', b"[" * 100_000])
def test_a_manifest_that_is_none_is_refused(wire: "Wire", content: bytes) -> None:
    answer = wire.push_manifest(REPOSITORY, "v1", content)
    assert (answer.status, answer.codes) == (400, ["MANIFEST_INVALID"])


def test_a_manifest_of_more_than_four_mebibytes_is_refused(wire: "Wire") -> None:
    blob = wire.push_blob(REPOSITORY, b"{}")
    padding = "x" * (4 << 20)
    document = {
        "schemaVersion": 2,
        "config": {"mediaType": OCI_CONFIG, "digest": str(blob), "size": 2},
        "layers": [],
        "annotations": {"a": padding},
    }
    # docker-registry says 400; the specification wants 413.
    assert wire.push_manifest(REPOSITORY, "v1", json.dumps(document).encode()).status in {400, 413}


@pytest.mark.parametrize("name", ["UPPER", "a//b", "-a", "a" * 256])
def test_a_repository_name_outside_the_grammar_is_refused(wire: "Wire", name: str) -> None:
    answer = wire.ask("POST", f"/v2/{name}/blobs/uploads/", b"")
    # docker-registry knows no route for most of these: 404, or a redirect for the doubled slash; a name too long is 500 there.
    assert answer.status in ({301, 400, 404, 500} if wire.server.is_docker_registry else {400})
    if not wire.server.is_docker_registry:
        assert answer.codes == ["NAME_INVALID"]
