"""What short URLs mean."""

import pytest

from penstock.formats.coreos_iso.embed import EmbedArea, ToldBy
from penstock.imageservice.asks import IsoAsk
from penstock.imageservice.catalogue import Catalogue, ReadyImage, Stage, Status
from penstock.imageservice.overlay import Source, whole
from penstock.imageservice.prepared import Base, BootFiles, PreparedImage
from penstock.imageservice.refusals import Refused
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.hosts import Credentials
from penstock.model.osimage import FileOrigin, ImageRecord, ImageType, StoredImage, Wanted
from penstock.servers.images.shortcuts import Choices, ShortAsk, newest
from penstock.servers.images.targets import AliasAsk, target_of, target_of_url

HOST = "0f5d39a1-97b6-4f2c-a1a2-57b2c1a0f3ee"


def image(openshift: str, version: str, arch: Arch = Arch.X86_64, *, why_no_minimal: str = "") -> Status:
    source = Source.by_digest("/a.iso", 10, f"sha256:{'0' * 64}")
    base = Base(whole(source), EmbedArea(0, 4, "images/ignition.img", ToldBy.FILE), None)
    prepared = PreparedImage(source, "rhcos-1", base, BootFiles(None, None, None), why_no_minimal=why_no_minimal)
    record = ImageRecord(openshift, version, arch, ImageType.FULL, key="k")
    ready = ReadyImage(StoredImage(record, Digest("sha256", "0" * 64), 10, 1), prepared)
    return Status(Wanted(openshift, arch, FileOrigin("/a.iso"), version=version), Stage.READY, ready=(ready,))


CATALOGUE = Catalogue(
    (image("4.9", "49.1"), image("4.20", "9.6.2"), image("4.18", "418.1"), image("4.21", "9.6.3", Arch.S390X, why_no_minimal="no"))
)


@pytest.fixture
def clock() -> list[float]:
    return [1000.0]


@pytest.fixture
def choices(clock: list[float]) -> Choices:
    return Choices(lambda: clock[0])


def short(version: str = "", arch: str = "") -> ShortAsk:
    return ShortAsk(HOST, version, arch, Credentials())


@pytest.mark.parametrize(("arch", "version"), [(Arch.X86_64, "9.6.2"), (Arch.S390X, "9.6.3"), (Arch.PPC64LE, None), (None, None)])
def test_the_newest_is_that_of_the_newest_openshift(arch: Arch | None, version: str | None) -> None:
    found = newest(CATALOGUE, arch)
    assert (found.stored.record.version if found else None) == version


@pytest.mark.parametrize(
    ("ask", "version", "arch", "kind"),
    [
        (short(), "9.6.2", Arch.X86_64, ImageType.MINIMAL),
        (short("4.18"), "4.18", Arch.X86_64, ImageType.MINIMAL),
        (short("4.21", "s390x"), "4.21", Arch.S390X, ImageType.FULL),
        (short("4.99"), "4.99", Arch.X86_64, ImageType.FULL),
        (short("4.18", "mips"), "4.18", None, ImageType.FULL),
    ],
)
def test_what_a_short_url_does_not_say_is_chosen(choices: Choices, ask: ShortAsk, version: str, arch: Arch | None, kind: ImageType) -> None:
    assert choices.iso(ask, CATALOGUE) == IsoAsk(HOST, version, arch, kind)


def test_nothing_is_chosen_where_nothing_is_ready(choices: Choices) -> None:
    assert choices.iso(short(), Catalogue()) is None


def chosen(choices: Choices, catalogue: Catalogue) -> str:
    ask = choices.iso(short(), catalogue)
    assert ask is not None
    return ask.version


def test_a_choice_stays_until_nobody_reads_for_ten_minutes(choices: Choices, clock: list[float]) -> None:
    newer = Catalogue((*CATALOGUE.statuses, image("4.21", "9.6.9")))
    assert chosen(choices, CATALOGUE) == "9.6.2"
    for _ in range(5):
        clock[0] += 599
        assert chosen(choices, newer) == "9.6.2"
    clock[0] += 601
    assert chosen(choices, newer) == "9.6.9"


def test_a_choice_ends_with_its_image(choices: Choices) -> None:
    assert chosen(choices, CATALOGUE) == "9.6.2"
    assert chosen(choices, Catalogue((image("4.18", "418.1"),))) == "418.1"


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (f"/i/{HOST}.iso", short()),
        (f"/i/{HOST}/4.18.1.iso", short("4.18.1")),
        (f"/i/{HOST}/4.18/arm64.iso", short("4.18", "arm64")),
        ("/a/abc.iso", AliasAsk("abc")),
    ],
)
def test_a_short_url_ends_in_iso(path: str, wanted: object) -> None:
    assert target_of(path, {}, "") == wanted


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/i",
        "/i/",
        f"/i/{HOST}",
        "/i/.iso",
        f"/i/{HOST}/.iso",
        f"/i/{HOST}/4/x/y.iso",
        "/a/.iso",
        "/a/b/c.iso",
        "/x/y.iso",
        "/bytoken//1/2/3",
    ],
)
def test_another_path_is_no_iso(path: str) -> None:
    with pytest.raises(Refused) as error:
        target_of(path, {}, "")
    assert error.value.status == 404


@pytest.mark.parametrize("start", ["", "https://images.example.com:8443"])
def test_a_whole_url_is_read_as_its_path_is(start: str) -> None:
    path = f"/images/{HOST}?version=4.18&version=4.19&type=full-iso&api_key=a%2Fb"
    ask = target_of_url(start + path)
    assert isinstance(ask, IsoAsk)
    assert (ask.version, ask.credentials.value) == ("4.18", "a/b")


def test_escapes_in_a_path_are_undone() -> None:
    def made(path: str) -> object:
        return target_of(path, {}, "")

    assert made(f"/byid/{HOST}/4%2E18/x86%5F64/full.iso") == made(f"/byid/{HOST}/4.18/x86_64/full.iso")
