"""What hosts get, in a folder: which file, and what is refused rather than served."""

import asyncio
import json
import os
import stat
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from penstock.adapters.files.hostconfigs import HostConfigs
from penstock.adapters.files.hostfiles import MAX_CONFIG_BYTES, MAX_KARGS_BYTES, MAX_RAMDISK_BYTES, parse_kernel_arguments
from penstock.formats.cpio import ArchiveFile, write_archive
from penstock.formats.initramfs import Compression, compress
from penstock.model.errors import InputError, NotFoundError, OperationError, PenstockError
from penstock.model.hosts import BackendRefused, Credentials

T = TypeVar("T")
HOST = "a1b2c3d4-0000-4000-8000-0123456789ab"
NOBODY = Credentials()
CONFIG = b'{"ignition": {"version": "3.4.0"}}'
RAMDISK = compress(write_archive([ArchiveFile("etc/hostname", b"node")]), Compression.GZIP)


def config(folder: Path, host: str = HOST, *, use_default: bool = False) -> bytes:
    return asyncio.run(HostConfigs(folder, use_default=use_default).ignition(host, None, NOBODY)).content


def ramdisk(folder: Path, *, use_default: bool = False) -> bytes:
    return asyncio.run(HostConfigs(folder, use_default=use_default).ramdisk(HOST, NOBODY))


def kernel_arguments(folder: Path, *, use_default: bool = False) -> tuple[str, ...]:
    return asyncio.run(HostConfigs(folder, use_default=use_default).kernel_arguments(HOST, NOBODY))


def status_of(question: Callable[[], object]) -> int:
    with pytest.raises(BackendRefused) as caught:
        question()
    return caught.value.status


def test_the_date_is_that_of_the_file(tmp_path: Path) -> None:
    (tmp_path / f"{HOST}.ign").write_bytes(CONFIG)
    os.utime(tmp_path / f"{HOST}.ign", (0, 1_770_000_000))
    found = asyncio.run(HostConfigs(tmp_path).ignition(HOST, None, NOBODY))
    assert found.last_modified == "Mon, 02 Feb 2026 02:40:00 GMT"


def test_a_host_may_be_asked_for_in_capitals(tmp_path: Path) -> None:
    (tmp_path / f"{HOST}.ign").write_bytes(CONFIG)
    assert config(tmp_path, HOST.upper()) == CONFIG


def test_a_default_is_served_only_where_it_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "default.ign").write_bytes(CONFIG)
    assert status_of(lambda: config(tmp_path)) == 404
    assert config(tmp_path, use_default=True) == CONFIG


def test_a_file_of_the_host_s_own_goes_before_the_default(tmp_path: Path) -> None:
    own = b'{"ignition": {"version": "3.5.0"}}'
    (tmp_path / "default.ign").write_bytes(CONFIG)
    (tmp_path / "default.kargs").write_text("default")
    (tmp_path / "default.ramdisk").write_bytes(RAMDISK)
    (tmp_path / f"{HOST}.ign").write_bytes(own)
    (tmp_path / f"{HOST}.kargs").write_text("own")
    assert config(tmp_path, use_default=True) == own
    assert kernel_arguments(tmp_path, use_default=True) == ("own",)
    assert ramdisk(tmp_path, use_default=True) == RAMDISK


def test_the_default_is_no_host_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "default.ign").write_bytes(CONFIG)
    assert status_of(lambda: config(tmp_path, "default", use_default=True)) == 404


@pytest.mark.parametrize(
    "name", ["../secret", "..", "", "/etc/passwd", f"{HOST}/../secret", f"{HOST}\n", f"{HOST}.ign", "secret", "\0", "é" * 36]
)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.ign").write_bytes(CONFIG)
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "secret.ign").write_bytes(CONFIG)
    assert status_of(lambda: config(tmp_path / "inner", name, use_default=True)) == 404


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "worker.json").write_bytes(CONFIG)
    (tmp_path / f"{HOST}.ign").symlink_to("data/worker.json")
    assert config(tmp_path) == CONFIG


def test_a_link_that_leads_nowhere_is_no_file(tmp_path: Path) -> None:
    (tmp_path / f"{HOST}.ign").symlink_to("gone")
    assert status_of(lambda: config(tmp_path)) == 404


@pytest.mark.parametrize("suffix", ["ramdisk", "initrd"])
def test_a_ramdisk_has_one_of_two_names(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"{HOST}.ign").write_bytes(CONFIG)
    (tmp_path / f"{HOST}.{suffix}").write_bytes(RAMDISK)
    assert ramdisk(tmp_path) == RAMDISK


def test_kernel_arguments_stand_on_any_number_of_lines(tmp_path: Path) -> None:
    (tmp_path / f"{HOST}.ign").write_bytes(CONFIG)
    text = '# serial console\r\nconsole=ttyS0\tconsole=tty0\n\n  # more\n nosmt dyndbg="file a +p"  x=#1 \n'
    (tmp_path / f"{HOST}.kargs").write_text(text)
    assert kernel_arguments(tmp_path) == ("console=ttyS0", "console=tty0", "nosmt", 'dyndbg="file a +p"', "x=#1")


WORDS = st.text("ab=.,/-#0", min_size=1).filter(lambda word: word[0] != "#") | st.sampled_from(['x="a  b"', '"a b"', 'a"b c"d'])


@given(st.lists(WORDS), st.sampled_from([" ", "\n", "  \t", " \n# comment\n "]))
def test_words_are_found_again_however_they_are_parted(words: list[str], between: str) -> None:
    assert parse_kernel_arguments(between.join(words).encode(), subject="x") == tuple(words)


@given(st.binary())
def test_any_bytes_are_words_or_an_error_about_input(content: bytes) -> None:
    try:
        found = parse_kernel_arguments(content, subject="x")
    except InputError:
        return
    assert all(word and "\n" not in word and "\0" not in word for word in found)


@pytest.mark.parametrize("content", [b'console="ttyS0', b"a\0b", b"\xff\xfe", b"a\x1bb"])
def test_kernel_arguments_that_would_spoil_the_line_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / f"{HOST}.ign").write_bytes(CONFIG)
    (tmp_path / f"{HOST}.kargs").write_bytes(content)
    assert status_of(lambda: kernel_arguments(tmp_path)) == 500


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"secret", "this is no JSON: line 1, column 1"),
        (b'{"ignition": {"version": "3.4.0"}, "passwd": secret}', "this is no JSON: line 1, column 46"),
        (b'{"ignition": {"version": "3.4.0"}, "secret": 1, "secret": 2}', "this is no JSON"),
        (b'{"secret": {}}', "ignition.version is missing"),
        (b"variant: fcos\nversion: 1.5.0\n# secret", "this is no JSON"),
        (CONFIG[:-5], "this is no JSON"),
    ],
)
def test_what_is_no_config_is_never_served_and_the_log_says_why(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / f"{HOST}.ign").write_bytes(content)
    with structlog.testing.capture_logs() as logs, pytest.raises(BackendRefused) as caught:
        config(tmp_path)
    assert caught.value.status == 500
    (entry,) = logs
    assert (entry["log_level"], entry["host"]) == ("error", HOST)
    assert said in entry["reason"]
    assert f"{HOST}.ign" in entry["reason"]
    assert "secret" not in f"{json.dumps(entry)} {caught.value} {caught.value.hint} {caught.value.__context__}"


@pytest.mark.parametrize("content", [b"secret", RAMDISK[:-9], RAMDISK[:30] + b"\0\0" + RAMDISK[32:]])
def test_a_damaged_ramdisk_is_never_served(tmp_path: Path, content: bytes) -> None:
    (tmp_path / f"{HOST}.ign").write_bytes(CONFIG)
    (tmp_path / f"{HOST}.ramdisk").write_bytes(content)
    assert status_of(lambda: ramdisk(tmp_path)) == 500


@pytest.mark.parametrize(
    ("suffix", "limit", "question"),
    [("ign", MAX_CONFIG_BYTES, config), ("ramdisk", MAX_RAMDISK_BYTES, ramdisk), ("kargs", MAX_KARGS_BYTES, kernel_arguments)],
)
def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, suffix: str, limit: int, question: Callable[[Path], object]) -> None:
    (tmp_path / f"{HOST}.ign").write_bytes(CONFIG)
    with (tmp_path / f"{HOST}.{suffix}").open("wb") as file:
        file.truncate(limit + 1)
    assert status_of(lambda: question(tmp_path)) == 500


def test_a_folder_or_a_pipe_in_the_place_of_a_file_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / f"{HOST}.ign").mkdir()
    assert status_of(lambda: config(tmp_path)) == 500
    (tmp_path / f"{HOST}.ign").rmdir()
    os.mkfifo(tmp_path / f"{HOST}.ign")
    assert status_of(lambda: config(tmp_path)) == 500


def test_a_folder_that_went_away_is_not_a_host_that_nobody_knows(tmp_path: Path) -> None:
    assert status_of(lambda: config(tmp_path / "gone")) == 500


def test_a_folder_must_be_there_when_it_is_opened(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        HostConfigs.open(tmp_path / "gone")
    (tmp_path / "file").touch()
    with pytest.raises(InputError):
        HostConfigs.open(tmp_path / "file")


def put(folder: Path, content: bytes, host: str = HOST) -> None:
    asyncio.run(HostConfigs(folder).put(host, content))


def test_a_config_that_was_put_is_its_owner_s_alone(tmp_path: Path) -> None:
    put(tmp_path, CONFIG, HOST.upper())
    (file,) = tmp_path.iterdir()
    assert (file.name, file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (f"{HOST}.ign", CONFIG, 0o600)


@pytest.mark.parametrize("content", [b"secret", b"{}", b'{"ignition": {"version": 3}}'])
def test_what_is_no_config_is_not_put(tmp_path: Path, content: bytes) -> None:
    put(tmp_path, CONFIG)
    with pytest.raises(InputError) as caught:
        put(tmp_path, content)
    assert "secret" not in f"{caught.value} {caught.value.__context__}"
    assert config(tmp_path) == CONFIG


@pytest.mark.parametrize("name", ["default", "../x", "", f"{HOST}x"])
def test_nothing_is_put_under_another_name_than_a_uuid(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="UUID"):
        put(tmp_path, CONFIG, name)
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_replaced_and_those_who_share_its_target_keep_it(tmp_path: Path) -> None:
    (tmp_path / "shared.json").write_bytes(CONFIG)
    (tmp_path / f"{HOST}.ign").symlink_to("shared.json")
    put(tmp_path, b'{"ignition": {"version": "3.5.0"}}')
    assert (tmp_path / "shared.json").read_bytes() == CONFIG
    assert not (tmp_path / f"{HOST}.ign").is_symlink()


def test_a_config_cannot_be_put_where_a_folder_stands(tmp_path: Path) -> None:
    (tmp_path / f"{HOST}.ign").mkdir()
    with pytest.raises(PenstockError):
        put(tmp_path, CONFIG)
    assert [path.name for path in tmp_path.iterdir()] == [f"{HOST}.ign"]


def test_a_config_that_is_replaced_all_the_time_is_always_seen_whole(tmp_path: Path) -> None:
    texts = [json.dumps({"ignition": {"version": "3.4.0"}, "n": str(n) * size}).encode() for n, size in ((1, 10), (2, 300_000))]
    put(tmp_path, texts[0])
    done = threading.Event()

    def replace() -> None:
        while not done.is_set():
            for text in texts:
                put(tmp_path, text)

    writer = threading.Thread(target=replace)
    writer.start()
    try:
        assert {config(tmp_path) for _ in range(100)} <= set(texts)
    finally:
        done.set()
        writer.join()


def test_a_read_only_folder_is_told_to_who_puts(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root writes everywhere")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OperationError, match="permission denied"):
            put(tmp_path, CONFIG)
    finally:
        tmp_path.chmod(0o700)


def test_questions_wait_in_threads_and_not_in_the_loop(tmp_path: Path) -> None:
    """Every question gives the loop back at least once, so that a slow disk holds nobody else up."""
    (tmp_path / f"{HOST}.ign").write_bytes(CONFIG)

    async def go() -> list[str]:
        told: list[str] = []

        async def other() -> None:
            told.append("other")

        async def ask(question: Awaitable[object]) -> None:
            await question
            told.append("answer")

        await asyncio.gather(ask(HostConfigs(tmp_path).ignition(HOST, None, NOBODY)), other())
        return told

    assert asyncio.run(go()) == ["other", "answer"]
