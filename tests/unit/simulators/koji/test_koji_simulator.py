"""The simulated hub answers as koji's does, and a description of builds is read strictly."""

import gzip
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from penstock.model.errors import InputError
from penstock.simulators.koji import KojiArchive, KojiBuild, KojiSimulator, KojiThread, parse_builds, staged_builds
from penstock.simulators.koji.builds import ChecksumType

if TYPE_CHECKING:
    from tests.conftest import Ask

_BUILDS = b"""\
builds:
  - name: rhel-ec2
    version: "9.4"
    release: "1"
    archives:
      - {file: images/rhel.raw.xz, arch: x86_64, boot_mode: hybrid, checksum_type: sha256}
      - {file: images/rhel.vhd, arch: x86_64, type: vhd, checksum: "00"}
"""
_RESOURCES = """\
type: AMI
boot_mode: uefi
build: {name: rhel-ec2, version: "9.4", respin: "1"}
release: {date: "20260511"}
images:
  - {path: %s, architecture: %s}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "rhel.raw.xz").write_bytes(b"compressed")
    (tmp_path / "images" / "rhel.vhd").write_bytes(b"disk")
    return tmp_path


@pytest.fixture
def koji(folder: Path) -> Iterator[KojiSimulator]:
    with KojiThread(parse_builds(_BUILDS, subject="builds.yaml", folder=folder), tree=folder / "tree") as running:
        yield running


def called(koji: KojiSimulator, method: str, *args: object) -> Any:  # noqa: ANN401  # plain data
    with xmlrpc.client.ServerProxy(koji.hub, allow_none=True, use_builtin_types=True) as hub:
        return getattr(hub, method)(*args)


def test_a_build_is_found_by_its_name_its_number_and_its_parts(koji: KojiSimulator) -> None:
    found = called(koji, "getBuild", "rhel-ec2-9.4-1")
    assert (found["nvr"], found["state"], found["volume_name"]) == ("rhel-ec2-9.4-1", 1, "DEFAULT")
    assert called(koji, "getBuild", found["id"]) == found
    assert called(koji, "getBuild", {"name": "rhel-ec2", "version": "9.4", "release": "1"}) == found


def test_a_build_that_is_not_there_is_nothing_and_strictly_a_fault(koji: KojiSimulator) -> None:
    assert called(koji, "getBuild", "missing-1-1") is None
    with pytest.raises(xmlrpc.client.Fault, match="No such build") as caught:
        called(koji, "getBuild", "missing-1-1", {"strict": True, "__starstar": True})
    assert caught.value.faultCode == 1000


def test_the_type_of_a_build_says_that_it_is_one_of_images(koji: KojiSimulator) -> None:
    assert called(koji, "getBuildType", "rhel-ec2-9.4-1") == {"image": {}}


def test_archives_have_their_type_size_and_checksum(koji: KojiSimulator) -> None:
    first, second = called(koji, "listArchives", called(koji, "getBuild", "rhel-ec2-9.4-1")["id"])
    assert (first["type_name"], first["size"], first["checksum_type"], len(first["checksum"])) == ("raw-xz", 10, 2, 64)
    assert first["extra"] == {"image": {"arch": "x86_64", "boot_mode": "hybrid"}}
    assert (second["type_name"], second["checksum_type"], second["checksum"]) == ("vhd", 0, "00")


def test_archives_of_one_name_can_be_asked_for(koji: KojiSimulator) -> None:
    number = called(koji, "getBuild", "rhel-ec2-9.4-1")["id"]
    (found,) = called(koji, "listArchives", number, {"filename": "rhel.vhd", "__starstar": True})
    assert found["filename"] == "rhel.vhd"


def test_an_argument_that_is_not_simulated_is_a_fault_and_not_passed_over(koji: KojiSimulator) -> None:
    with pytest.raises(xmlrpc.client.Fault, match="not simulated: checksum"):
        called(koji, "listArchives", {"checksum": "00", "__starstar": True})


def test_several_calls_are_one_and_the_fault_of_one_is_its_own(koji: KojiSimulator) -> None:
    calls: list[object] = [{"methodName": name, "params": []} for name in ("getAPIVersion", "buildImage")]
    first, second = called(koji, "multiCall", calls)
    assert first == [1]
    assert (second["faultCode"], second["faultString"]) == (1000, "Invalid method: buildImage")


def test_a_number_of_more_than_32_bits_is_written_as_koji_does(folder: Path, ask: "Ask") -> None:
    build = KojiBuild("big", "1", "1", (KojiArchive(str(folder / "images" / "rhel.vhd")),), id=2**40)
    with KojiThread([build]) as koji:
        body = xmlrpc.client.dumps(("big-1-1",), "getBuild").encode()
        assert b"<i8>1099511627776</i8>" in ask(koji.hub, "POST", body).body


def test_answers_are_zipped_for_those_who_understand(koji: KojiSimulator, ask: "Ask") -> None:
    body = xmlrpc.client.dumps((), "getKojiVersion").encode()
    answer = ask(koji.hub, "POST", body, {"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert xmlrpc.client.loads(gzip.decompress(answer.body)) == ((answer.headers["Koji-Version"],), None)


@pytest.mark.parametrize("body", [b"", b"<methodCall>", b'{"method": "getBuild"}', b"<methodResponse><params/></methodResponse>"])
def test_what_is_no_call_is_a_fault(koji: KojiSimulator, ask: "Ask", body: bytes) -> None:
    with pytest.raises(xmlrpc.client.Fault, match="this is"):
        xmlrpc.client.loads(ask(koji.hub, "POST", body).body)


def test_the_files_are_served_and_lie_in_the_tree(koji: KojiSimulator, folder: Path, ask: "Ask") -> None:
    where = "packages/rhel-ec2/9.4/1/images/rhel.raw.xz"
    assert ask(f"{koji.topurl}/{where}").body == (folder / "tree" / where).read_bytes() == b"compressed"


@pytest.mark.parametrize("path", ["packages", "packages/rhel-ec2/9.4/1/images/other", "../images/rhel.vhd", "..%2f..%2fetc/passwd"])
def test_nothing_else_is_served(koji: KojiSimulator, ask: "Ask", path: str) -> None:
    assert ask(f"{koji.topurl}/{path}").status == 404


def test_a_tree_that_stays_can_be_made_again(folder: Path) -> None:
    builds = parse_builds(_BUILDS, subject="builds.yaml", folder=folder)
    for _ in range(2):
        with KojiThread(builds, tree=folder / "tree") as koji:
            assert called(koji, "getBuild", "rhel-ec2-9.4-1")


def test_a_tree_of_its_own_goes_with_the_simulator(folder: Path) -> None:
    with KojiThread([KojiBuild("a", "1", "1", (KojiArchive(str(folder / "images" / "rhel.vhd")),))]) as koji:
        assert (koji.basedir / "packages/a/1/1/images/rhel.vhd").read_bytes() == b"disk"
    assert not koji.basedir.exists()


def test_builds_of_a_staging_area_are_joined_by_their_name(tmp_path: Path) -> None:
    for name, arch in (("a.raw.xz", "x86_64"), ("b.raw.xz", "aarch64")):
        where = tmp_path / "starmap" / "CLOUD_IMAGES" / name
        where.mkdir(parents=True)
        (where / "resources.yaml").write_text(_RESOURCES % (name, arch))
    (build,) = staged_builds(tmp_path)
    assert (build.nvr, build.completion_time) == ("rhel-ec2-9.4-1", "2026-05-11 00:00:00.000000")
    assert [(each.name, each.arch, each.boot_mode) for each in build.archives] == [
        ("a.raw.xz", "x86_64", "uefi"),
        ("b.raw.xz", "aarch64", "uefi"),
    ]


def test_an_empty_staging_area_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no image is staged"):
        staged_builds(tmp_path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"builds: [{name: a, version: '1', release: '1', verison: '2'}]", "'verison' is unknown"),
        (b"builds: [{name: a, version: '1', release: '1', archives: [{path: x}]}]", "'path' is unknown"),
        (b"builds: [{name: a, version: 1, release: '1'}]", r"\$.builds\[0\].version"),
        (b"build: []", "'build' is unknown"),
    ],
)
def test_a_description_that_says_nonsense_is_refused_with_the_place(tmp_path: Path, text: bytes, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        parse_builds(text, subject="builds.yaml", folder=tmp_path)


@pytest.mark.parametrize(
    ("builds", "problem"),
    [
        ([KojiBuild("a", "1", "1", (KojiArchive("missing.raw"),))], "there is no such file"),
        ([KojiBuild("a", "1", "1"), KojiBuild("a", "1", "1")], "this build is there twice"),
    ],
)
def test_builds_that_cannot_be_are_refused_at_the_start(builds: list[KojiBuild], problem: str) -> None:
    with pytest.raises(InputError, match=problem), KojiThread(builds):
        pass


def test_the_hub_names_checksums_by_number() -> None:
    assert [each.number for each in (ChecksumType.MD5, ChecksumType.SHA1, ChecksumType.SHA256)] == [0, 1, 2]
