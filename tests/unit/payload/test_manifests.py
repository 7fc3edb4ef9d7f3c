"""What is put in for the placeholders of manifests, and what is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.errors import InputError
from penstock.model.release import Label, ObjectReference, TagReference
from penstock.payload.manifests import (
    ManifestSource,
    Rendered,
    check_manifest,
    folder_sources,
    manifest_name,
    render,
    replace_images,
    replace_versions,
    repoint,
    restamp,
)
from penstock.payload.versions import agreed_versions, disagreements, reports_of

NEW = "registry.example/cli@sha256:" + "1" * 64


def tag(name: str, pullspec: str = NEW, **labels: str) -> TagReference:
    annotations = {Label[key].value: value for key, value in labels.items()}
    return TagReference(name=name, annotations=annotations, source=ObjectReference(kind="DockerImage", name=pullspec))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("image: quay.io/o/cli", f"image: {NEW}"),
        ("image: quay.io/o/cli:v4.0", f"image: {NEW}"),
        ("image: quay.io/o/cli:v4.0\n", f"image: {NEW}\n"),
        ("image: 'quay.io/o/cli@sha256:abcdef'", f"image: '{NEW}'"),
        ("image: quay.io/o/cli:v4.0@sha256:abcdef", f"image: {NEW}"),
        ('{"image":"quay.io/o/cli","x":1}', f'{{"image":"{NEW}","x":1}}'),
        ('value: "{\\"image\\":\\"quay.io/o/cli\\"}"', f'value: "{{\\"image\\":\\"{NEW}\\"}}"'),
        ("--images=quay.io/o/cli:v4,quay.io/o/cli", f"--images={NEW},{NEW}"),
        ("quay.io/o/cli quay.io/o/cli", f"{NEW} {NEW}"),
        ("docker://quay.io/o/cli", f"docker://{NEW}"),
        ("see quay.io/o/cli.", f"see {NEW}."),
    ],
)
def test_a_name_that_stands_alone_becomes_the_pullspec(before: str, after: str) -> None:
    assert replace_images(before.encode(), {"quay.io/o/cli": NEW}).decode() == after


@pytest.mark.parametrize(
    "text",
    [
        "quay.io/o/cli-artifacts",
        "quay.io/o/cli-artifacts:v4.0",
        "quay.io/o/cli/sub",
        "quay.io/o/cli.d",
        "mirror.example/quay.io/o/cli",
        "my.quay.io/o/cli",
        "xquay.io/o/cli",
        "quayXio/o/cli",
        "quay.io/o/cli_2",
    ],
)
def test_a_name_that_is_a_part_of_another_stays(text: str) -> None:
    assert replace_images(text.encode(), {"quay.io/o/cli": NEW}).decode() == text


def test_the_longer_of_two_names_is_found() -> None:
    names = {"q.io/a": "A@sha256:1", "q.io/a-b": "B@sha256:2"}
    assert replace_images(b"q.io/a-b:x q.io/a:x q.io/a-c", names) == b"B@sha256:2 A@sha256:1 q.io/a-c"


@given(st.lists(st.sampled_from(["q.io/a", "q.io/b", "q.io/ab", "x", ":v1", " ", "\n", '"', "/", "-", "@sha256:aa"])).map("".join))
def test_nothing_is_found_twice(text: str) -> None:
    names = {"q.io/a": "T1@sha256:00", "q.io/b": "T2@sha256:11"}
    once = replace_images(text.encode(), names)
    assert replace_images(once, names) == once


def test_an_exact_pullspec_is_pointed_elsewhere() -> None:
    old = "quay.io/o/cli@sha256:" + "a" * 64
    assert repoint(f"a: {old}\nb: {old}1\nc: x/{old}\n".encode(), {old: NEW}).decode() == f"a: {NEW}\nb: {old}1\nc: x/{old}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("v: 0.0.1-snapshot", "v: 4.21.0"),
        ('"0.0.1-snapshot"', '"4.21.0"'),
        ("a=0.0.1-snapshot-machine-os.", "a=9.8.1-0."),
        ("x0.0.1-snapshot", "x0.0.1-snapshot"),
        ("0.0.1-snapshotted", "0.0.1-snapshotted"),
    ],
)
def test_versions_are_put_in(before: str, after: str) -> None:
    assert replace_versions(before.encode(), "4.21.0", {"machine-os": "9.8.1-0"}, subject="m").decode() == after


def test_an_unknown_version_is_refused() -> None:
    with pytest.raises(InputError, match='m: unknown version reference "kubernetes"'):
        replace_versions(b"0.0.1-snapshot-kubernetes", "4.21.0", {}, subject="m")


def test_a_version_on_which_images_do_not_agree_is_refused_where_it_is_used() -> None:
    tags = [tag("rhel-coreos", VERSIONS="machine-os=9.8.1-0"), tag("rhel-coreos-10", VERSIONS="machine-os=10.2.1-0")]
    assert agreed_versions(tags) == {"machine-os": None}
    with pytest.raises(InputError, match="do not agree"):
        render(ManifestSource("component x", "x", {"a.yaml": b"v: 0.0.1-snapshot-machine-os"}), tags, "4.21.0")


def test_the_images_that_a_component_names_decide_its_versions() -> None:
    tags = [tag("rhel-coreos", VERSIONS="machine-os=9.8.1-0"), tag("rhel-coreos-10", VERSIONS="machine-os=10.2.1-0")]
    references = b"kind: ImageStream\napiVersion: image.openshift.io/v1\nspec:\n  tags:\n  - name: rhel-coreos\n"
    references += b"    from: {kind: DockerImage, name: placeholder.url.oc.will.replace.this.org/placeholdernamespace:rhel-coreos}\n"
    manifest = b"os: placeholder.url.oc.will.replace.this.org/placeholdernamespace:rhel-coreos\nv: 0.0.1-snapshot-machine-os\n"
    source = ManifestSource("component mco", "mco", {"image-references": references, "a.yaml": manifest})
    assert render(source, tags, "4.21.0") == {"0000_50_mco_a.yaml": f"os: {NEW}\nv: 9.8.1-0\n".encode()}


def test_a_name_for_an_image_that_is_not_in_the_payload_is_refused() -> None:
    references = b"kind: ImageStream\napiVersion: image.openshift.io/v1\nspec: {tags: [{name: b, from: {kind: DockerImage, name: q/b}}]}\n"
    with pytest.raises(InputError, match='component a: image-references: no component "b" is in the payload') as caught:
        render(ManifestSource("component a", "a", {"image-references": references}), [tag("a")], "4.21.0")
    assert caught.value.hint == "add b=REF"


@pytest.mark.parametrize(
    ("owner", "name", "placed"),
    [
        ("cli", "a.yaml", "0000_50_cli_a.yaml"),
        ("cli", "0000_10_a.yaml", "0000_10_a.yaml"),
        (None, "a.yaml", "a.yaml"),
    ],
)
def test_a_manifest_keeps_its_place_in_the_global_order(owner: str | None, name: str, placed: str) -> None:
    assert manifest_name(owner, name) == placed


def test_manifests_of_one_name_are_numbered() -> None:
    rendered = Rendered()
    for content in (b"1", b"2", b"3"):
        rendered.add("0000_10_a.yaml", content, "x")
    assert rendered.files == {"0000_10_a.yaml": b"1", "0000_10_a_2.yaml": b"2", "0000_10_a_3.yaml": b"3"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("version: 4.20.1", "version: 4.21.0"),
        ('"4.20.1"', '"4.21.0"'),
        ("4.20.1.", "4.21.0."),
        ("4.20.10 14.20.1 4.20.1-rc.1 4.20.1.2 v4.20.1", "4.20.10 14.20.1 4.20.1-rc.1 4.20.1.2 v4.20.1"),
    ],
)
def test_a_payload_s_version_is_replaced_where_it_stands_alone(before: str, after: str) -> None:
    assert restamp(before.encode(), "4.20.1", "4.21.0").decode() == after


@pytest.mark.parametrize("text", ["kind: A", "- a", "apiVersion: v1\nkind: ''", "a: [", "kind: A\napiVersion: v1\n---\nb: 1"])
def test_what_is_no_kubernetes_object_is_refused(text: str) -> None:
    check_manifest("README.md", text.encode(), subject="m")
    with pytest.raises(InputError):
        check_manifest("m.yaml", text.encode(), subject="m")


def test_a_folder_gives_its_own_files_and_those_of_components() -> None:
    found = folder_sources("folder d", {"": {"a": b"1", "release-metadata": b"{}"}, "cli": {"b": b"2", "release-metadata": b"3"}})
    assert [(source.origin, source.tag, set(source.files)) for source in found] == [
        ("folder d", None, {"a"}),
        ("folder d/cli", "cli", {"b", "release-metadata"}),
    ]


def test_only_machine_os_may_differ() -> None:
    tags = [
        tag("a", VERSIONS="machine-os=9.8.1-0,kubernetes=1.34.1", DISPLAY_NAMES="machine-os=CoreOS 9"),
        tag("b", VERSIONS="machine-os=10.2.1-0,kubernetes=1.34.2", DISPLAY_NAMES="machine-os=CoreOS 10,kubernetes=K"),
        tag("c", VERSIONS="kubernetes=1.34.1", DISPLAY_NAMES="kubernetes=Kube"),
    ]
    assert disagreements([report for each in tags for report in reports_of(each)]) == [
        "the version of kubernetes differs: a and c say 1.34.1, b says 1.34.2",
        "the display name of kubernetes differs: b says K, c says Kube",
    ]


@pytest.mark.parametrize(("versions", "names"), [("machine-os", ""), ("machine-os=42.1.2.3", ""), ("a=1.0.0", "a"), ("a=1.0.0", "a=<b>")])
def test_a_label_that_cannot_be_read_names_its_component(versions: str, names: str) -> None:
    with pytest.raises(InputError, match=r"^component a: "):
        reports_of(tag("a", VERSIONS=versions, DISPLAY_NAMES=names))
