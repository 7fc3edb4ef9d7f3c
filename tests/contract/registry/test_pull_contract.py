"""Pulling, listing and deleting, as every registry does it.  Where docker-registry 2.8 and the specification differ, a comment says so."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from penstock.formats.oci.descriptor import OCI_INDEX, OCI_MANIFEST
from penstock.model.digest import Digest

if TYPE_CHECKING:
    from tests.contract.registry.conftest import Server, Wire

REPOSITORY = "team/images"
CONTENT = b"0123456789"
UNKNOWN = Digest.of(b"never pushed")


def test_the_registry_says_which_protocol_it_speaks(wire: "Wire") -> None:
    answer = wire.ask("GET", "/v2/")
    assert (answer.status, answer.headers["Docker-Distribution-Api-Version"]) == (200, "registry/2.0")


def test_head_of_a_blob_tells_its_size_and_digest(wire: "Wire") -> None:
    digest = wire.push_blob(REPOSITORY, CONTENT)
    answer = wire.ask("HEAD", f"/v2/{REPOSITORY}/blobs/{digest}")
    assert (answer.status, answer.headers["Content-Length"], answer.body) == (200, "10", b"")
    assert answer.headers["Docker-Content-Digest"] == str(digest)


def test_head_of_a_manifest_tells_its_size_type_and_digest(wire: "Wire") -> None:
    manifest = wire.push_image(REPOSITORY, "v1")
    answer = wire.get_manifest(REPOSITORY, "v1", method="HEAD")
    assert (answer.status, answer.headers["Content-Length"], answer.body) == (200, str(len(manifest)), b"")
    assert answer.headers["Content-Type"] == OCI_MANIFEST
    assert answer.headers["Docker-Content-Digest"] == str(Digest.of(manifest))


def test_an_unknown_blob_is_not_found(wire: "Wire") -> None:
    wire.push_blob(REPOSITORY, CONTENT)
    answer = wire.ask("GET", f"/v2/{REPOSITORY}/blobs/{UNKNOWN}")
    assert (answer.status, answer.codes) == (404, ["BLOB_UNKNOWN"])
    assert wire.ask("HEAD", f"/v2/{REPOSITORY}/blobs/{UNKNOWN}").status == 404


@pytest.mark.parametrize("reference", ["missing", str(UNKNOWN)])
def test_an_unknown_manifest_is_not_found(wire: "Wire", reference: str) -> None:
    wire.push_image(REPOSITORY, "v1")
    answer = wire.get_manifest(REPOSITORY, reference)
    assert (answer.status, answer.codes) == (404, ["MANIFEST_UNKNOWN"])
    assert wire.get_manifest(REPOSITORY, reference, method="HEAD").status == 404


def test_a_blob_of_another_repository_is_not_found(wire: "Wire") -> None:
    digest = wire.push_blob("elsewhere", CONTENT)
    assert wire.ask("GET", f"/v2/{REPOSITORY}/blobs/{digest}").status == 404


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bytes=0-3", (b"0123", "bytes 0-3/10")),
        ("bytes=4-", (b"456789", "bytes 4-9/10")),
        ("bytes=-3", (b"789", "bytes 7-9/10")),
        ("bytes=8-100", (b"89", "bytes 8-9/10")),
        ("bytes=-100", (CONTENT, "bytes 0-9/10")),
        ("bytes=0-9", (CONTENT, "bytes 0-9/10")),
    ],
)
def test_a_range_of_a_blob_is_that_slice(wire: "Wire", asked: str, expected: tuple[bytes, str]) -> None:
    digest = wire.push_blob(REPOSITORY, CONTENT)
    answer = wire.ask("GET", f"/v2/{REPOSITORY}/blobs/{digest}", headers={"Range": asked})
    assert (answer.status, (answer.body, answer.headers["Content-Range"])) == (206, expected)


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=10-12"])
def test_a_range_outside_the_blob_is_not_satisfiable(wire: "Wire", asked: str) -> None:
    digest = wire.push_blob(REPOSITORY, CONTENT)
    answer = wire.ask("GET", f"/v2/{REPOSITORY}/blobs/{digest}", headers={"Range": asked})
    assert (answer.status, answer.headers["Content-Range"]) == (416, "bytes */10")


@pytest.mark.parametrize(("tag_matches", "status"), [(True, 206), (False, 200)])
def test_a_range_counts_only_while_the_blob_is_the_same(wire: "Wire", tag_matches: bool, status: int) -> None:
    digest = wire.push_blob(REPOSITORY, CONTENT)
    headers = {"Range": "bytes=0-3", "If-Range": f'"{digest if tag_matches else UNKNOWN}"'}
    assert wire.ask("GET", f"/v2/{REPOSITORY}/blobs/{digest}", headers=headers).status == status


def test_a_blob_that_the_client_has_is_not_sent_again(wire: "Wire") -> None:
    digest = wire.push_blob(REPOSITORY, CONTENT)
    etag = wire.ask("GET", f"/v2/{REPOSITORY}/blobs/{digest}").headers["ETag"]
    answer = wire.ask("GET", f"/v2/{REPOSITORY}/blobs/{digest}", headers={"If-None-Match": etag})
    assert (answer.status, answer.body) == (304, b"")


def test_tags_are_listed_in_order(wire: "Wire") -> None:
    for tag in ("v2", "v10", "latest", "V3"):
        wire.push_image(REPOSITORY, tag)
    answer = wire.ask("GET", f"/v2/{REPOSITORY}/tags/list")
    assert answer.status == 200
    listed, expected = json.loads(answer.body), {"name": REPOSITORY, "tags": ["V3", "latest", "v10", "v2"]}
    if wire.server.is_docker_registry:
        # Before 3.0 it lists tags in no order, which the specification does not allow.
        listed["tags"].sort()
    assert listed == expected


def test_tags_come_in_pages(wire: "Wire") -> None:
    tags = ["a", "b", "c", "d", "e"]
    for tag in tags:
        wire.push_image(REPOSITORY, tag)
    pages = []
    path = f"/v2/{REPOSITORY}/tags/list?n=2"
    while path:
        answer = wire.ask("GET", path)
        pages.append(json.loads(answer.body)["tags"])
        link = answer.headers.get("Link", "")
        assert link == "" or link.endswith('>; rel="next"')
        path = link.partition(">")[0].removeprefix("<")
    if wire.server.is_docker_registry:
        # It pages and sorts its tags from 3.0 on only.
        assert [sorted(page) for page in pages] == [tags]
    else:
        assert pages == [["a", "b"], ["c", "d"], ["e"]]


def test_tags_of_an_unknown_repository_are_not_found(wire: "Wire") -> None:
    answer = wire.ask("GET", "/v2/nobody/knows/tags/list")
    assert (answer.status, answer.codes) == (404, ["NAME_UNKNOWN"])


def test_repositories_come_in_pages(wire: "Wire") -> None:
    names = ["a", "a/b", "c"]
    for name in names:
        wire.push_image(name, "v1")
    assert json.loads(wire.ask("GET", "/v2/_catalog").body) == {"repositories": names}
    answer = wire.ask("GET", "/v2/_catalog?n=2")
    assert json.loads(answer.body) == {"repositories": names[:2]}
    following = answer.headers["Link"].partition(">")[0].removeprefix("<")
    assert json.loads(wire.ask("GET", following).body) == {"repositories": names[2:]}


def test_a_deleted_manifest_is_gone_with_its_tags(wire: "Wire") -> None:
    manifest = wire.push_image(REPOSITORY, "v1")
    assert wire.ask("DELETE", f"/v2/{REPOSITORY}/manifests/{Digest.of(manifest)}").status == 202
    assert wire.get_manifest(REPOSITORY, Digest.of(manifest)).status == 404
    assert wire.get_manifest(REPOSITORY, "v1").status == 404


def test_a_deleted_tag_is_gone_and_its_manifest_stays(wire: "Wire") -> None:
    manifest = wire.push_image(REPOSITORY, "v1")
    status = wire.ask("DELETE", f"/v2/{REPOSITORY}/manifests/v1").status
    # docker-registry deletes tags from 3.0 on only; the specification lets a registry refuse with 400 or 405.
    assert status in ({400, 405} if wire.server.is_docker_registry else {202})
    assert wire.get_manifest(REPOSITORY, "v1").status == (404 if status == 202 else 200)
    assert wire.get_manifest(REPOSITORY, Digest.of(manifest)).body == manifest


def test_a_deleted_blob_is_gone_from_its_repository_only(wire: "Wire") -> None:
    digest = wire.push_blob(REPOSITORY, CONTENT)
    wire.push_blob("elsewhere", CONTENT)
    assert wire.ask("DELETE", f"/v2/{REPOSITORY}/blobs/{digest}").status == 202
    assert wire.ask("HEAD", f"/v2/{REPOSITORY}/blobs/{digest}").status == 404
    assert wire.ask("GET", f"/v2/elsewhere/blobs/{digest}").body == CONTENT


def test_what_is_not_there_cannot_be_deleted(wire: "Wire") -> None:
    wire.push_image(REPOSITORY, "v1")
    assert wire.ask("DELETE", f"/v2/{REPOSITORY}/blobs/{UNKNOWN}").status == 404
    assert wire.ask("DELETE", f"/v2/{REPOSITORY}/manifests/{UNKNOWN}").status == 404


def test_referrers_are_found_by_their_subject(wire: "Wire", describe: Callable[[bytes, str], dict[str, Any]]) -> None:
    subject = wire.push_image(REPOSITORY, "v1")
    kinds = ["application/vnd.example.sbom", "application/vnd.example.signature"]
    referrers = [
        wire.image(REPOSITORY, subject=describe(subject, OCI_MANIFEST), artifactType=kind, annotations={"a": "b"}) for kind in kinds
    ]
    path = f"/v2/{REPOSITORY}/referrers/{Digest.of(subject)}"
    pushes = [wire.push_manifest(REPOSITORY, Digest.of(referrer), referrer) for referrer in referrers]
    answer = wire.ask("GET", path)
    if answer.status == 404:
        # A registry without this API (docker-registry) says so by 404, and did not claim to have seen the subject.
        assert wire.server.is_docker_registry
        assert {push.headers.get("OCI-Subject") for push in pushes} == {None}
        return
    assert {push.headers.get("OCI-Subject") for push in pushes} == {str(Digest.of(subject))}
    assert answer.headers["Content-Type"] == OCI_INDEX
    entries = [
        {**describe(referrer, OCI_MANIFEST), "artifactType": kind, "annotations": {"a": "b"}}
        for kind, referrer in zip(kinds, referrers, strict=True)
    ]
    assert sorted(json.loads(answer.body)["manifests"], key=lambda entry: str(entry["artifactType"])) == entries
    filtered = wire.ask("GET", f"{path}?artifactType={kinds[0]}")
    assert filtered.headers["OCI-Filters-Applied"] == "artifactType"
    assert json.loads(filtered.body)["manifests"] == entries[:1]


def test_a_repository_may_be_called_like_an_endpoint(wire: "Wire") -> None:
    manifest = wire.push_image("manifests/blobs/tags", "list")
    assert wire.get_manifest("manifests/blobs/tags", "list").body == manifest


def test_without_a_password_the_registry_challenges(basic_server: "Server", connect: "Callable[..., Wire]") -> None:
    for path in ("/v2/", f"/v2/{REPOSITORY}/manifests/v1", "/v2/_catalog"):
        answer = connect(basic_server).ask("GET", path)
        assert (answer.status, answer.codes) == (401, ["UNAUTHORIZED"])
        assert answer.headers["WWW-Authenticate"].startswith('Basic realm="')


def test_with_the_password_the_registry_serves(
    basic_server: "Server", connect: "Callable[..., Wire]", basic_header: dict[str, str]
) -> None:
    wire = connect(basic_server, basic_header)
    manifest = wire.push_image(REPOSITORY, "v1")
    assert wire.get_manifest(REPOSITORY, "v1").body == manifest


def test_a_wrong_password_is_challenged_again(basic_server: "Server", connect: "Callable[..., Wire]") -> None:
    wire = connect(basic_server, {"Authorization": "Basic dGVzdGVyOndyb25n"})
    assert wire.ask("GET", "/v2/").status == 401
