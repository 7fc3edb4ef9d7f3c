"""Advisories of a simulated errata tool through the real library."""

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.model.errors import InputError, NotFoundError, OperationError, TransientError
from penstock.simulators.cloud import Fault
from penstock.simulators.errata import Advisory, ErrataSimulator, ErrataThread
from penstock.simulators.koji import KojiSimulator

if TYPE_CHECKING:
    from tests.contract.pushsource.conftest import Load, Server

# The library leaves its connections of XML-RPC open for the garbage collector, which the fixture makes come in time.
pytestmark = [pytest.mark.koji, pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]

ADVISORIES = (
    Advisory("RHBA-2026:1234", ("rhel-azure-9.4-2.el9", "rhel-ec2-9.4-1")),
    Advisory("RHBA-2026:5678", ("rhel-sap-ec2-9.4-3",), number="5678"),
    Advisory("RHBA-2026:9999", ("missing-1-1",)),
    Advisory("RHBA-2026:1", ()),
)


@pytest.fixture
def errata(server: "Server") -> Iterator[ErrataSimulator]:
    with ErrataThread(ADVISORIES, tls=server.tls) as running:
        yield running
        gc.collect()


def source(errata: ErrataSimulator, koji: KojiSimulator, advisories: str) -> str:
    return f"errata:{errata.url}?errata={advisories}&koji_source=koji:{koji.hub}?basedir={koji.basedir}"


def test_the_images_of_an_advisorys_builds_carry_its_name(errata: ErrataSimulator, koji: KojiSimulator, load: "Load") -> None:
    listing = load(source(errata, koji, "RHBA-2026:1234"))
    assert [(each.name, each.origin) for each in listing.items] == [
        ("rhel.vhd.xz", "RHBA-2026:1234"),
        ("rhel.vhd", "RHBA-2026:1234"),
        ("rhel.raw.xz", "RHBA-2026:1234"),
        ("rhel-arm.raw.xz", "RHBA-2026:1234"),
    ]
    assert [(each.subject, "ErratumPushItem" in each.reason) for each in listing.dropped] == [("RHBA-2026:1234", True)]


def test_a_sha256_of_the_hub_is_declared_through_an_advisory_too(errata: ErrataSimulator, koji: KojiSimulator, load: "Load") -> None:
    (item,) = load(source(errata, koji, "RHBA-2026:5678")).items
    assert item.sha256 is not None


def test_advisories_come_in_the_order_in_which_they_were_asked_for(errata: ErrataSimulator, koji: KojiSimulator, load: "Load") -> None:
    listing = load(source(errata, koji, "RHBA-2026:5678,RHBA-2026:1234"))
    assert list(dict.fromkeys(each.origin for each in listing.items)) == ["RHBA-2026:5678", "RHBA-2026:1234"]


def test_an_address_by_plain_http_is_asked_by_https(errata: ErrataSimulator, koji: KojiSimulator, load: "Load") -> None:
    assert load(source(errata, koji, "RHBA-2026:5678").replace(errata.url, f"http://{errata.host}")).items


def test_an_advisory_of_no_images_has_nothing_to_push(errata: ErrataSimulator, koji: KojiSimulator, load: "Load") -> None:
    assert load(source(errata, koji, "RHBA-2026:1")).items == ()


def test_a_build_of_an_advisory_that_the_hub_does_not_have_is_named(errata: ErrataSimulator, koji: KojiSimulator, load: "Load") -> None:
    with pytest.raises(NotFoundError, match="missing-1-1"):
        load(source(errata, koji, "RHBA-2026:9999"))


def test_an_advisory_that_is_not_there_is_named(errata: ErrataSimulator, koji: KojiSimulator, load: "Load") -> None:
    with pytest.raises(OperationError, match="Couldn't find Advisory RHBA-2026:404"):
        load(source(errata, koji, "RHBA-2026:404"))


def test_a_tool_that_is_overloaded_is_asked_again(errata: ErrataSimulator, koji: KojiSimulator, load: "Load") -> None:
    errata.faults.add(Fault.parse("status=503,times=1"))
    assert load(source(errata, koji, "RHBA-2026:5678")).items


def test_a_hub_that_is_overloaded_stops_the_advisory(errata: ErrataSimulator, koji: KojiSimulator, load: "Load") -> None:
    koji.faults.add(Fault.parse("status=503"))
    with pytest.raises(TransientError, match="HTTP 503"):
        load(source(errata, koji, "RHBA-2026:5678"))


def test_a_certificate_of_nobody_is_told_with_the_next_step(
    errata: ErrataSimulator, koji: KojiSimulator, load: "Load", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(OperationError, match="certificate of the errata tool is not trusted") as caught:
        load(source(errata, koji, "RHBA-2026:5678"))
    assert "SSL_CERT_FILE" in caught.value.hint


def test_an_advisory_that_says_nonsense_is_named(errata: ErrataSimulator, koji: KojiSimulator, load: "Load") -> None:
    errata.advisories = (Advisory("RHBA-2026:7", ("rhel-ec2-9.4-1",), metadata={"type": "poem"}),)
    with pytest.raises(InputError, match="RHBA-2026:7 cannot be read"):
        load(source(errata, koji, "RHBA-2026:7"))


@pytest.mark.parametrize(("programs", "problem"), [(False, "the program klist is not installed"), (True, "Kerberos gives no ticket")])
def test_a_keytab_that_cannot_be_used_is_told_with_the_next_step(
    *,
    errata: ErrataSimulator,
    koji: KojiSimulator,
    load: "Load",
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    programs: bool,
    problem: str,
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("klist", "kinit") if programs else ():
        (tools / name).write_text("#!/bin/sh\nexit 1\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    with pytest.raises(OperationError, match=problem) as caught:
        load(source(errata, koji, "RHBA-2026:1234") + "&keytab_path=/nowhere&principal=me@EXAMPLE.COM")
    assert "without them" in caught.value.hint
