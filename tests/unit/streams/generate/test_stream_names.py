"""Names of streams: what a build tells, and when the name of a file is no longer true."""

import doctest
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from penstock.model.build import Build
from penstock.streams.generate import naming, override
from penstock.streams.generate.naming import BuildAddress, Distro, address_in, distro_of, name_of_build, name_of_version, refreshed_name

MakeBuild = Callable[..., Build]


@pytest.mark.parametrize(
    ("build", "name"),
    [
        ("48.84.202208021106-0", "4.8"),
        ("418.94.202410090804-0", "4.18"),
        ("44devel.81.202001151926.0", "4.4"),
        ("9.6.20250826-1", "rhel-9.6"),
        ("10.2.20260423-0", "rhel-10.2"),
        ("44.20260707.3.1", "stable"),
        ("44.20260707.dev.1", None),
        ("mine", None),
    ],
)
def test_a_build_tells_its_stream(build: str, name: str | None) -> None:
    """Upstream makes "9." of 9.6."""
    assert name_of_version(build) == name


@pytest.mark.parametrize(
    ("old", "build", "name"),
    [
        ("rhcos-4.16", "418.94.202410090804-0", "rhcos-4.18"),
        ("4.16-9.4", "418.94.202410090804-0", "4.18-9.4"),
        ("rhcos-4.18", "418.94.202410090804-0", "rhcos-4.18"),
        ("rhcos-4.21", "9.8.20260428-0", "rhel-9.8"),
        ("rhcos-4.22", "10.2.20260423-0", "rhel-10.2"),
        ("rhcos-5.0", "10.2.20260423-0", "rhcos-5.0"),
        ("rhcos-9.9", "9.6.20250826-1", "rhcos-9.9"),
        ("rhel-9", "9.8.20260428-0", "rhel-9"),
        ("rhel-9.6", "9.8.20260428-0", "rhel-9.8"),
        ("rhel-9", "10.2.20260423-0", "rhel-10.2"),
        ("c10s", "10.0.20250628-0", "c10s"),
        ("testing", "44.20260707.3.1", "stable"),
        ("anything", "mine", "anything"),
    ],
)
def test_a_name_stays_where_it_is_true_and_is_corrected_where_it_is_not(old: str, build: str, name: str) -> None:
    """Upstream never changes it: files called rhcos-4.16 hold builds of 4.18."""
    assert refreshed_name(old, build) == name


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({"coreos-assembler.oci-imported-labels": {"com.coreos.stream": "c10s"}}, "c10s"),
        ({"coreos-assembler.container-config-git": {"branch": "testing-devel", "commit": "1"}}, "testing-devel"),
        ({"coreos-assembler.container-config-git": {"branch": "HEAD"}}, "rhel-9.6"),
        ({}, "rhel-9.6"),
    ],
)
def test_a_build_names_its_stream_by_label_then_branch_then_id(build: MakeBuild, more: dict[str, Any], name: str) -> None:
    assert name_of_build(build(more=more)) == name


def test_the_url_of_a_build_tells_all_of_its_address() -> None:
    assert address_in("https://a.example/prod/streams/rhel-9.6/builds/9.6.1/x86_64/meta.json") == BuildAddress(
        "https://a.example/prod/streams", "rhel-9.6", "9.6.1", "x86_64"
    )
    assert address_in("https://a.example/meta.json") is None


def test_secrets_in_a_url_are_left_behind() -> None:
    found = address_in("https://me:secret@a.example/s/rhel-9.6/builds/9.6.1/x86_64/meta.json?X-Signature=secret")

    assert found is not None
    assert "secret" not in found.meta_url


@pytest.mark.parametrize(
    ("build", "name", "distro"),
    [
        ("44.20260707.3.1", "", Distro.FCOS),
        ("9.6.20250826-1", "fedora-coreos", Distro.RHCOS),
        ("mine", "fedora-coreos", Distro.FCOS),
        ("mine", "scos", Distro.RHCOS),
    ],
)
def test_the_distribution_is_told_by_the_id_then_by_the_name(build: str, name: str, distro: Distro) -> None:
    assert distro_of(build, name) is distro


@pytest.mark.parametrize("module", [naming, override], ids=["naming", "override"])
def test_the_examples_are_true(module: ModuleType) -> None:
    found = doctest.testmod(module)
    assert (found.failed, found.attempted > 0) == (0, True)
