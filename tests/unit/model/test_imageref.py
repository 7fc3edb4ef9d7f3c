"""References to images: registries of every spelling, OCI layouts, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.model.imageref import ImageRef, LayoutRef, parse_reference

_DIGEST = Digest.of(b"manifest")

_labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
_names = st.lists(_labels, min_size=2, max_size=4).map(".".join)
_ipv4 = st.ip_addresses(v=4).map(str)
_ipv6 = st.ip_addresses(v=6).map(lambda address: f"[{address}]")
_hosts = st.one_of(_names, _ipv4, _ipv6, st.just("localhost"))
_ports = st.none() | st.integers(1, 65535)
_paths = st.from_regex(r"[a-z0-9]{1,5}((\.|_|__|-{1,3})[a-z0-9]{1,5})?(/[a-z0-9]{1,5}(_[a-z0-9]{1,3})?){0,3}", fullmatch=True)
_tags = st.none() | st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,20}", fullmatch=True)
_digests = st.none() | st.binary(max_size=4).map(Digest.of)
images = st.builds(ImageRef, _hosts, _ports, _paths, _tags, _digests)
_folders = st.text(st.characters(exclude_characters=":@", exclude_categories=["C", "Z"]), min_size=1, max_size=12)
layouts = st.builds(LayoutRef, _folders, _tags, _digests)


@given(st.one_of(images, layouts))
def test_a_reference_reads_back_what_it_writes(ref: ImageRef | LayoutRef) -> None:
    assert parse_reference(str(ref)) == ref


@given(images)
def test_the_docker_transport_in_front_changes_nothing(ref: ImageRef) -> None:
    assert ImageRef.parse(f"docker://{ref}") == ref


@given(st.one_of(images, layouts), st.binary(max_size=4).map(Digest.of))
def test_a_pinned_reference_asks_for_the_digest_alone(ref: ImageRef | LayoutRef, digest: Digest) -> None:
    pinned = ref.with_digest(digest)
    assert (pinned.repository, pinned.tag, pinned.locator) == (ref.repository, None, str(digest))
    assert str(pinned) == f"{ref.repository}@{digest}"


@given(st.one_of(images, layouts))
def test_a_tagged_reference_drops_the_digest(ref: ImageRef | LayoutRef) -> None:
    tagged = ref.with_tag("4.21.0-x86_64")
    assert (tagged.repository, tagged.digest, tagged.locator) == (ref.repository, None, "4.21.0-x86_64")


@pytest.mark.parametrize(
    ("text", "registry", "path", "tag"),
    [
        ("quay.io/openshift-release-dev/ocp-release:4.21.0-x86_64", "quay.io", "openshift-release-dev/ocp-release", "4.21.0-x86_64"),
        ("localhost/release", "localhost", "release", None),
        ("localhost:5000/release:v1", "localhost:5000", "release", "v1"),
        ("127.0.0.1:5000/a/b__c", "127.0.0.1:5000", "a/b__c", None),
        ("[::1]:5000/release:v1", "[::1]:5000", "release", "v1"),
        ("[2001:db8::1]/release", "[2001:db8::1]", "release", None),
        ("registry:5000/release", "registry:5000", "release", None),
        ("Quay.IO/a:Tag", "quay.io", "a", "Tag"),
    ],
)
def test_the_parts_of_a_pullspec(text: str, registry: str, path: str, tag: str | None) -> None:
    ref = ImageRef.parse(text)
    assert (ref.registry, ref.path, ref.tag) == (registry, path, tag)
    assert ref.repository == f"{registry}/{path}"
    assert ref.locator == (tag or "latest")


def test_with_tag_and_digest_the_digest_decides() -> None:
    ref = ImageRef.parse(f"quay.io/a/b:v1@{_DIGEST}")
    assert (ref.tag, ref.digest, ref.locator) == ("v1", _DIGEST, str(_DIGEST))


@pytest.mark.parametrize("text", ["rhel-coreos", "rhel-coreos:4.21", "openshift/rhel-coreos", "", "/a", "quay.io"])
def test_a_short_name_is_refused_because_there_is_no_default_registry(text: str) -> None:
    with pytest.raises(InputError, match="names no registry") as refusal:
        ImageRef.parse(text)
    assert "registry.example.com" in refusal.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "quay.io/",
        "quay.io/A",
        "quay.io/a//b",
        "quay.io/a/",
        "quay.io/a_",
        "quay.io/a___b",
        "quay.io/../etc",
        "quay.io/a:",
        "quay.io/a:-x",
        "quay.io/a:" + "x" * 129,
        "quay.io/a:b:c",
        "quay.io/a@",
        "quay.io/a@sha256:abc",
        "quay.io/" + "a" * 256,
        "quay.io:/a",
        "quay.io:0/a",
        "quay.io:65536/a",
        "quay.io:٨٠/a",
        "-quay.io/a",
        "quay..io/a",
        "[::1/a",
        "[::g]/a",
        "[1:2]/a",
        "[:::]/a",
        "https://quay.io/a",
        "quay.io/a b",
        "quay.io/a\nb",
    ],
)
def test_what_is_no_pullspec_is_refused(text: str) -> None:
    with pytest.raises(InputError) as refusal:
        ImageRef.parse(text)
    assert refusal.value.hint


def test_a_password_in_a_reference_does_not_reach_the_message() -> None:
    with pytest.raises(InputError) as refusal:
        ImageRef.parse("docker://user:hunter2@quay.io/a:b")
    assert "hunter2" not in f"{refusal.value} {refusal.value.hint}"


@pytest.mark.parametrize("tag", ["", "-x", "a b", "a:b", "a/b", "x" * 129])
def test_a_wrong_tag_cannot_be_set_by_hand(tag: str) -> None:
    with pytest.raises(InputError, match="not a tag"):
        ImageRef.parse("quay.io/a").with_tag(tag)


@pytest.mark.parametrize(
    ("host", "port", "path"),
    [
        ("", None, "a"),
        ("quay", None, "a"),
        ("quay.io/x", None, "a"),
        ("quay.io:5000", None, "a"),
        ("quay.io", 0, "a"),
        ("quay.io", 65536, "a"),
        ("quay.io", None, "../a"),
    ],
)
def test_a_wrong_reference_cannot_be_made_by_hand(host: str, port: int | None, path: str) -> None:
    with pytest.raises(InputError):
        ImageRef(host, port, path)


@pytest.mark.parametrize(
    ("text", "directory", "tag"),
    [("oci:out", "out", None), ("oci:/srv/a.b:v1", "/srv/a.b", "v1"), ("oci:../out:quay.io/a:v1", "../out", "quay.io/a:v1")],
)
def test_the_parts_of_a_layout(text: str, directory: str, tag: str | None) -> None:
    ref = parse_reference(text)
    assert isinstance(ref, LayoutRef)
    assert (ref.directory, ref.tag, ref.locator, ref.repository) == (directory, tag, tag or "", f"oci:{directory}")


def test_a_layout_needs_a_folder() -> None:
    with pytest.raises(InputError, match="names no folder"):
        parse_reference("oci::v1")
