import json
import os
import threading
from base64 import b64encode, encodebytes
from pathlib import Path

import pytest

from penstock.adapters.files.pushcredentials import read_credentials
from penstock.model.errors import InputError, NotFoundError
from penstock.model.push.accounts import AccountAlias


def credential(account: str = "aws-us-storage", key: str = "key") -> bytes:
    names = ("IMAGE_ACCESS_KEY", "IMAGE_SECRET_ACCESS", "MARKETPLACE_ACCESS_KEY", "MARKETPLACE_SECRET_ACCESS", "ACCESS_ROLE_ARN")
    return json.dumps({"marketplace_account": account, "auth": {f"AWS_{name}": key for name in names}}).encode()


def test_files_and_base64_may_stand_beside_each_other(tmp_path: Path) -> None:
    file = tmp_path / "na.json"
    file.write_bytes(credential("aws-na"))
    found = read_credentials(f"{file}, {b64encode(credential('aws-emea')).decode()}")
    assert [each.alias.text for each in found.found] == ["aws-na", "aws-emea"]


def test_a_file_needs_no_ending(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_bytes(credential())
    assert len(read_credentials(str(file)).found) == 1


def test_base64_may_have_broken_lines() -> None:
    assert len(read_credentials(encodebytes(credential()).decode()).found) == 1


def test_of_two_for_one_account_the_later_counts() -> None:
    text = ",".join(b64encode(credential(key=key)).decode() for key in ("first", "second"))
    assert read_credentials(text).aws(AccountAlias("aws-us-storage")).images.access_key == "second"


@pytest.mark.parametrize("text", ["", " \n"])
def test_nothing_is_no_credentials(text: str) -> None:
    assert read_credentials(text).found == ()


def test_a_pipe_is_read_as_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(credential(),))
    writer.start()
    found = read_credentials(str(pipe))
    writer.join()
    assert len(found.found) == 1


def test_every_entry_may_begin_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for account in ("aws-na", "aws-emea"):
        (tmp_path / account).write_bytes(credential(account))
    assert len(read_credentials("~/aws-na,~/aws-emea").found) == 2


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"gone\.json"):
        read_credentials(str(tmp_path / "gone.json"))


SECRET = "c2VjcmV0" * 60


@pytest.mark.parametrize("text", [SECRET, SECRET[:-1], f"{SECRET}!", "~/nowhere", "~nobody-of-that-name/a", "\0", "ä"])
def test_what_is_neither_is_called_by_its_place_and_never_shown(text: str) -> None:
    with pytest.raises(InputError, match=r"entry 2 of the credentials") as caught:
        read_credentials(f"{b64encode(credential()).decode()},{text}")
    assert text not in f"{caught.value!r} {caught.value} {caught.value.hint}"


def test_an_empty_entry_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="entry 2 of the credentials: is empty"):
        read_credentials(f"{b64encode(credential()).decode()},")


def test_plain_json_is_refused_with_the_way_to_do_it_and_not_shown() -> None:
    with pytest.raises(InputError, match="plain JSON") as caught:
        read_credentials(credential(key="hunter2").decode())
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


def test_a_folder_is_no_credential(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="folder"):
        read_credentials(str(tmp_path))
