"""What hosts get by the ledger: which assignment counts, what is recorded, and that other bytes are never served."""

import asyncio
import stat
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from penstock.adapters.files.assignedconfigs import AssignedConfigs
from penstock.adapters.sql.ledger import SqlLedger
from penstock.formats.cpio import ArchiveFile, write_archive
from penstock.formats.initramfs import Compression, compress
from penstock.lineage.guarded import GuardedLedger
from penstock.model.digest import Digest
from penstock.model.errors import InputError, OperationError, VerificationError
from penstock.model.hosts import BackendRefused, Credentials
from penstock.model.lineage import Artifact, Direction, Edge, Kind
from penstock.simulators.ledger import MemoryLedger

T = TypeVar("T")
HOST = "a1b2c3d4-0000-4000-8000-0123456789ab"
OTHER = "a1b2c3d4-0000-4000-8000-0123456789ac"
NOBODY = Credentials()
FIRST = b'{"ignition": {"version": "3.4.0"}, "passwd": {"users": [{"passwordHash": "topsecret"}]}}'
SECOND = b'{"ignition": {"version": "3.5.0"}}'
RAMDISK = compress(write_archive([ArchiveFile("etc/hostname", b"node")]), Compression.GZIP)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def config(configs: AssignedConfigs, host: str = HOST) -> bytes:
    return run(configs.ignition(host, None, NOBODY)).content


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture
def configs(ledger: MemoryLedger, tmp_path: Path) -> AssignedConfigs:
    return AssignedConfigs(ledger, tmp_path, now_s=lambda: 1_770_000_000)


def test_the_bytes_stand_under_their_digest_for_their_owner_alone(configs: AssignedConfigs, tmp_path: Path) -> None:
    digest = run(configs.assign(HOST, FIRST))
    file = tmp_path / f"sha256-{digest.hex}.ign"
    assert (digest, file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (Digest.of(FIRST), FIRST, 0o600)


def test_the_date_is_that_of_the_assignment(configs: AssignedConfigs) -> None:
    run(configs.assign(HOST, FIRST))
    assert run(configs.ignition(HOST, None, NOBODY)).last_modified == "Mon, 02 Feb 2026 02:40:00 GMT"


def test_the_ledger_keeps_every_config_that_a_host_had_and_nothing_of_its_content(configs: AssignedConfigs, ledger: MemoryLedger) -> None:
    run(configs.assign(HOST, FIRST, ramdisk=RAMDISK, kernel_arguments=["topsecret=1"]))
    run(configs.assign(HOST, SECOND))
    run(configs.assign(OTHER, SECOND))

    async def above(name: str) -> tuple[Artifact, list[tuple[Edge, Artifact]]]:
        (host,) = await ledger.find(name)
        return host, [step async for step in ledger.walk(host, Direction.UP)]

    host, steps = run(above(HOST))
    assert host.id == (Kind.HOST.value, HOST)
    facts = {"assigned_at_s": 1_770_000_000, "ignition": str(Digest.of(SECOND)), "ramdisk": None, "kernel_arguments": None}
    assert host.facts == facts
    assert [(edge.why, artifact.kind, artifact.digest) for edge, artifact in steps] == [
        ("assigned", Kind.IGNITION, Digest.of(FIRST)),
        ("assigned", Kind.IGNITION, Digest.of(SECOND)),
    ]
    assert "topsecret" not in repr((ledger._artifacts, ledger._edges))


def test_a_new_assignment_takes_ramdisk_and_arguments_away(configs: AssignedConfigs) -> None:
    run(configs.assign(HOST, FIRST, ramdisk=RAMDISK, kernel_arguments=["nosmt"]))
    run(configs.put(HOST, FIRST))
    assert run(configs.ramdisk(HOST, NOBODY)) == b""
    assert run(configs.kernel_arguments(HOST, NOBODY)) == ()


def test_a_host_is_one_whichever_way_its_uuid_is_written(configs: AssignedConfigs) -> None:
    run(configs.assign(HOST.upper(), FIRST))
    assert config(configs) == config(configs, HOST.upper()) == FIRST


@pytest.mark.parametrize("text", ["{}", '{"ignition": {"version": "3.4.0"}}'])
@pytest.mark.parametrize("suffix", ["ign", "ramdisk", "kargs"])
def test_other_bytes_are_never_served(configs: AssignedConfigs, tmp_path: Path, suffix: str, text: str) -> None:
    run(configs.assign(HOST, FIRST, ramdisk=RAMDISK, kernel_arguments=["nosmt"]))
    (file,) = tmp_path.glob(f"*.{suffix}")
    file.write_text(text)
    questions = {"ign": lambda: config(configs), "ramdisk": lambda: run(configs.ramdisk(HOST, NOBODY))}
    with pytest.raises(BackendRefused) as caught:
        questions.get(suffix, lambda: run(configs.kernel_arguments(HOST, NOBODY)))()
    assert caught.value.status == 500


def test_bytes_that_are_gone_are_not_a_host_that_nobody_knows(configs: AssignedConfigs, tmp_path: Path) -> None:
    digest = run(configs.assign(HOST, FIRST))
    (tmp_path / f"sha256-{digest.hex}.ign").unlink()
    with pytest.raises(BackendRefused) as caught:
        config(configs)
    assert caught.value.status == 500


def test_assigning_again_mends_bytes_that_were_damaged(configs: AssignedConfigs, tmp_path: Path) -> None:
    digest = run(configs.assign(HOST, FIRST))
    (tmp_path / f"sha256-{digest.hex}.ign").write_bytes(b"")
    run(configs.assign(HOST, FIRST))
    assert config(configs) == FIRST


@pytest.mark.parametrize("told", ["", "sha256:../../etc/passwd", "md5:00", 7])
def test_a_digest_that_is_none_leads_to_no_file(configs: AssignedConfigs, ledger: MemoryLedger, told: str | int) -> None:
    run(ledger.record([Artifact(Kind.HOST, HOST, facts={"ignition": told})], []))
    with pytest.raises(BackendRefused) as caught:
        config(configs)
    assert caught.value.status == (500 if told else 404)


def test_something_else_of_that_name_is_no_host(configs: AssignedConfigs, ledger: MemoryLedger) -> None:
    digest = run(configs.assign(OTHER, FIRST))
    run(ledger.record([Artifact(Kind.FILE, "x", facts={"ignition": str(digest)}, names=frozenset({HOST}))], []))
    with pytest.raises(BackendRefused) as caught:
        config(configs)
    assert caught.value.status == 404


@pytest.mark.parametrize(
    ("host", "content", "ramdisk", "arguments"),
    [
        ("default", FIRST, b"", []),
        (HOST, b"topsecret", b"", []),
        (HOST, b"{}", b"", []),
        (HOST, FIRST, b"topsecret", []),
        (HOST, FIRST, b"", ['a="topsecret']),
        (HOST, FIRST, b"", ["# topsecret"]),
        (HOST, FIRST, b"", ["a\ntopsecret"]),
        (HOST, FIRST, b"", ["a\udcff"]),
    ],
)
def test_what_could_not_be_served_is_not_assigned(
    *, configs: AssignedConfigs, ledger: MemoryLedger, tmp_path: Path, host: str, content: bytes, ramdisk: bytes, arguments: list[str]
) -> None:
    with pytest.raises((InputError, VerificationError)) as caught:
        run(configs.assign(host, content, ramdisk=ramdisk, kernel_arguments=arguments))
    assert "topsecret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    assert run(ledger.find(HOST)) == []


def test_an_assignment_that_was_not_written_does_not_look_done(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"this is no database" * 100)

    async def go(*, guarded: bool) -> None:
        broken = SqlLedger.open(tmp_path / "ledger.sqlite")
        ledger = GuardedLedger(lambda: broken, on_failure=lambda _: None) if guarded else broken
        try:
            await AssignedConfigs(ledger, tmp_path).assign(HOST, FIRST)
        finally:
            await ledger.close()

    with pytest.raises(OperationError, match="is damaged"):
        run(go(guarded=False))
    with pytest.raises(OperationError):
        run(go(guarded=True))


def test_a_ledger_that_forgets_is_noticed(tmp_path: Path) -> None:
    class Forgetful(MemoryLedger):
        async def record(self, artifacts: Iterable[Artifact], edges: Iterable[Edge]) -> None:
            """As a guarded ledger does after its first failure."""

    with pytest.raises(OperationError, match="does not say what was assigned"):
        run(AssignedConfigs(Forgetful(), tmp_path).assign(HOST, FIRST))


def test_a_ledger_that_cannot_be_read_is_not_a_host_that_nobody_knows(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"this is no database" * 100)

    async def go() -> None:
        broken = SqlLedger.open(tmp_path / "ledger.sqlite")
        try:
            await AssignedConfigs(broken, tmp_path).ignition(HOST, None, NOBODY)
        finally:
            await broken.close()

    with pytest.raises(BackendRefused) as caught:
        run(go())
    assert caught.value.status == 500
