"""The coreos-bootimages ConfigMap: read in its three generations, stamped without touching another byte, made anew."""

import json
from pathlib import Path

import pytest
import yaml

from penstock.formats.bootimages import SNAPSHOT, is_config_map, parse_boot_images, stamp, write_boot_images
from penstock.formats.codec import to_tree
from penstock.formats.stream import iso_sha256, parse_stream
from penstock.model.arch import Arch
from penstock.model.errors import InputError, NotFoundError
from penstock.model.stream import Stream


def stream(name: str) -> Stream:
    return parse_stream(json.dumps({"stream": name, "metadata": {}, "architectures": {"x86_64": {"images": {}}}}).encode(), subject="a")


def config_map(data: dict[str, str], name: str = "coreos-bootimages") -> bytes:
    return yaml.safe_dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}).encode()


TWO = {"rhel-9": stream("rhcos-4.21"), "rhel-10": stream("rhcos-4.22")}


def test_a_new_config_map_holds_every_stream_and_the_default_one() -> None:
    images = parse_boot_images(write_boot_images(TWO), subject="a")
    assert images.release_version == SNAPSHOT
    assert images.named == TWO
    assert images.stream() == images.stream("rhel-9") == TWO["rhel-9"]
    assert images.stream("rhel-10").stream == "rhcos-4.22"


def test_a_new_config_map_is_laid_out_as_the_installer_does() -> None:
    text = write_boot_images({"rhel-9": stream("a")}, release_version="5.0.0").decode()
    assert text.startswith('apiVersion: v1\ndata:\n  releaseVersion: 5.0.0\n  stream: |-\n    {\n      "stream": "a",\n')
    assert '  streams: |-\n    {\n      "rhel-9": {\n        "stream": "a",\n' in text
    assert text.endswith(
        "kind: ConfigMap\nmetadata:\n  annotations:\n"
        '    include.release.openshift.io/ibm-cloud-managed: "true"\n'
        '    include.release.openshift.io/self-managed-high-availability: "true"\n'
        '    include.release.openshift.io/single-node-developer: "true"\n'
        "  name: coreos-bootimages\n  namespace: openshift-machine-config-operator\n"
    )


def test_one_stream_alone_is_the_default_whatever_its_name() -> None:
    assert parse_boot_images(write_boot_images({"centos-10": stream("c10s")}), subject="a").stream().stream == "c10s"


@pytest.mark.parametrize("streams", [{}, {"rhel-10": stream("a"), "rhel-11": stream("b")}])
def test_several_streams_without_the_default_one_are_refused(streams: dict[str, Stream]) -> None:
    with pytest.raises(InputError, match="coreos-bootimages"):
        write_boot_images(streams)


def test_an_old_config_map_answers_for_every_name() -> None:
    images = parse_boot_images(config_map({"stream": '{"stream":"rhcos-4.19","architectures":{}}'}), subject="a")
    assert images.stream("rhel-9") == images.stream() == images.default


def test_an_unknown_name_is_refused_with_those_that_are_there() -> None:
    with pytest.raises(NotFoundError) as caught:
        parse_boot_images(write_boot_images(TWO), subject="a").stream("rhel-8")
    assert "rhel-10, rhel-9" in caught.value.hint


def test_streams_without_a_default_need_a_name() -> None:
    images = parse_boot_images(config_map({"streams": '{"rhel-10":{"stream":"a","architectures":{}}}'}), subject="a")
    assert images.stream("rhel-10").stream == "a"
    with pytest.raises(NotFoundError, match="no default stream"):
        images.stream()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (config_map({"releaseVersion": "1.2.3"}), "missing both 'stream' and 'streams' keys"),
        (config_map({"streams": "{}"}), "missing both 'stream' and 'streams' keys"),
        (config_map({"stream": "{"}), "a: data.stream: line 1, column 2"),
        (
            config_map({"streams": '{"rhel-9": {"stream": 1}}'}),
            r"a: data.streams: line 1, column 23, at \$\[\"rhel-9\"\].stream|at \$.rhel-9.stream",
        ),
        (config_map({"stream": "{}"}, name="other"), "not the ConfigMap"),
        (b"kind: ConfigMap\nmetadata: {name: coreos-bootimages}\ndata: {stream: 1}\n", r"line 3, column 16, at \$.data.stream"),
        (b"- 1\n", "an object is wanted"),
    ],
)
def test_what_is_no_such_config_map_is_refused(content: bytes, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        parse_boot_images(content, subject="a")


@pytest.mark.parametrize("quote", ["", '"', "'"])
def test_a_stamp_changes_the_version_and_nothing_else(quote: str) -> None:
    content = f"""# made by hand
kind: ConfigMap
metadata: {{name: coreos-bootimages}}   # {SNAPSHOT}
data:
  stream: |
    {{"stream": "{SNAPSHOT}",   "architectures": {{}}}}
  releaseVersion:   {quote}{SNAPSHOT}{quote} # é
""".encode()
    stamped = stamp(content, "4.21.3")
    assert stamped == content.replace(f"  {quote}{SNAPSHOT}{quote} #".encode(), f"  {quote}4.21.3{quote} #".encode())
    assert parse_boot_images(stamped, subject="a").release_version == "4.21.3"


def test_a_json_config_map_is_stamped_as_well() -> None:
    data = {"stream": '{"stream":"é","architectures":{}}', "releaseVersion": SNAPSHOT}
    content = json.dumps({"kind": "ConfigMap", "metadata": {"name": "coreos-bootimages"}, "data": data}, indent="\t").encode()
    assert stamp(content, "4.21.3") == content.replace(SNAPSHOT.encode(), b"4.21.3")


@pytest.mark.parametrize("version", ["4.21.0-ec.2+build", "4.10", "2026", "on"])
def test_any_version_is_read_again_as_text(version: str) -> None:
    assert parse_boot_images(stamp(write_boot_images(TWO), version), subject="a").release_version == version


def test_stamping_twice_is_stamping_once() -> None:
    once = stamp(write_boot_images(TWO), "4.21.3")
    assert stamp(once, "4.21.3") == once


@pytest.mark.parametrize(
    ("content", "version", "problem"),
    [
        (write_boot_images(TWO, release_version="4.21.2"), "4.21.3", "has the version 4.21.2 already"),
        (config_map({"stream": "{}"}), "4.21.3", "no data.releaseVersion"),
        (write_boot_images(TWO), "4.21.3\nx: y", "not a release version"),
        (write_boot_images(TWO), "", "not a release version"),
    ],
)
def test_what_cannot_be_stamped_is_refused(content: bytes, version: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        stamp(content, version)


@pytest.mark.real_data
def test_a_published_config_map_is_read_and_stamped(real_data: Path) -> None:
    content = (real_data / "streams/configmap/4.10-installer-coreos-bootimages.yaml").read_bytes()
    images = parse_boot_images(content, subject="a")
    assert (images.release_version, images.stream().stream) == (SNAPSHOT, "rhcos-4.10")
    found = iso_sha256(images.stream(), Arch.AARCH64)
    assert found is not None
    assert found[1] == "rhcos-410.84.202111111403-0-live.aarch64.iso"
    assert stamp(content, "4.10.3") == content.replace(SNAPSHOT.encode(), b"4.10.3")


def test_what_the_machine_config_operator_adds_stays_when_the_version_is_stamped() -> None:
    data = {
        "stream": '{"stream":"a","architectures":{}}',
        "releaseVersion": SNAPSHOT,
        "MCOVersionHash": "abc",
        "MCOReleaseImageVersion": "5.0.0",
    }
    stamped = stamp(config_map(data), "5.0.1")
    assert yaml.safe_load(stamped)["data"] == data | {"releaseVersion": "5.0.1"}
    assert parse_boot_images(stamped, subject="a").release_version == "5.0.1"


def test_empty_objects_are_read_as_they_stand() -> None:
    """Real ones of 5.0 have them, for architectures without Azure."""
    entry = {
        "images": {},
        "rhel-coreos-extensions": {"azure-disk": {}, "marketplace": {"azure": {"no-purchase-plan": {}}}, "aws-winli": {"regions": {}}},
    }
    content = config_map({"stream": json.dumps({"stream": "a", "architectures": {"ppc64le": entry}})})
    assert to_tree(parse_boot_images(content, subject="a").stream().architectures["ppc64le"]) == entry | {
        "rhel-coreos-extensions": {key: entry["rhel-coreos-extensions"][key] for key in ("aws-winli", "azure-disk", "marketplace")}
    }


@pytest.mark.parametrize("indent", [None, 2])
def test_a_config_map_is_told_from_a_stream(indent: int | None) -> None:
    tree = yaml.safe_load(write_boot_images(TWO))
    assert is_config_map(write_boot_images(TWO))
    assert is_config_map(json.dumps(tree, indent=indent).encode())
    assert not is_config_map(json.dumps({"stream": "kind: ConfigMap", "architectures": {}}, indent=indent).encode())
    assert not is_config_map(b"")
