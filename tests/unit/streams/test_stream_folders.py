"""The streams of the installer's folder, in all the shapes that it has had."""

import pytest

from penstock.model.errors import InputError
from penstock.streams.folders import StreamFiles, discover

NEW = ["coreos-rhel-10.json", "coreos-rhel-9.json", "scos.json", "marketplace/coreos-rhel-9.json", "fedora.yaml"]


def test_since_4_22_the_file_s_name_is_the_stream_s() -> None:
    assert discover(NEW, subject="d") == (
        StreamFiles("rhel-10", "coreos-rhel-10.json"),
        StreamFiles("rhel-9", "coreos-rhel-9.json", "marketplace/coreos-rhel-9.json"),
    )


def test_okd_has_one_stream_without_a_name() -> None:
    assert discover(NEW, scos=True, subject="d") == (StreamFiles("", "scos.json"),)


def test_okd_may_have_named_streams() -> None:
    assert discover(["scos-centos-10.json", "scosy-other.json"], scos=True, subject="d") == (
        StreamFiles("centos-10", "scos-centos-10.json"),
    )


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["rhcos-stream.json"], StreamFiles("", "rhcos-stream.json")),
        (["rhcos.json", "fcos.json"], StreamFiles("", "rhcos.json")),
        (["rhcos.json", "scos.json", "marketplace-rhcos.json"], StreamFiles("", "rhcos.json", "marketplace-rhcos.json")),
    ],
)
def test_older_releases_had_one_stream(paths: list[str], expected: StreamFiles) -> None:
    assert discover(paths, subject="d") == (expected,)


def test_the_new_shape_wins_over_an_old_file() -> None:
    assert [files.name for files in discover([*NEW, "rhcos.json"], subject="d")] == ["rhel-10", "rhel-9"]


def test_okd_before_scos_had_fedora_coreos() -> None:
    assert discover(["rhcos.json", "fcos.json"], scos=True, subject="d") == (StreamFiles("", "fcos.json"),)


@pytest.mark.parametrize("paths", [[], ["marketplace/coreos-rhel-9.json"], ["coreos-rhel-9.yaml"], ["scos.json"]])
def test_a_folder_without_streams_is_refused(paths: list[str]) -> None:
    with pytest.raises(InputError, match="no OS image streams found"):
        discover(paths, subject="d")
