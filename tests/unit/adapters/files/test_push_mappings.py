import json
from pathlib import Path

import pytest

from penstock.adapters.files.pushmappings import read_mappings
from penstock.formats.everyfault import DocumentFaults
from penstock.model.errors import InputError, NotFoundError

YAML = """\
- name: from-the-file
  cloud: aws
  workflow: community
  mappings:
    aws-us-storage:
      destinations:
      - {destination: us-east-1-hourly, overwrite: false, restrict_version: false}
"""
TEXT = json.dumps([{"name": "from-the-text", "cloud": "aws", "workflow": "community", "mappings": {}}])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mappings.yaml"
    path.write_text(YAML)
    return path


def test_without_either_there_are_none() -> None:
    assert read_mappings(None, None) == ()


def test_the_file_is_read(file: Path) -> None:
    assert [each.name for each in read_mappings(None, file)] == ["from-the-file"]


def test_the_text_comes_before_the_file(file: Path) -> None:
    assert [each.name for each in read_mappings(TEXT, file)] == ["from-the-text"]


@pytest.mark.parametrize("text", ["", " ", "[]"])
def test_a_text_that_says_nothing_leaves_it_to_the_file(file: Path, text: str) -> None:
    assert [each.name for each in read_mappings(text, file)] == ["from-the-file"]


@pytest.mark.parametrize("text", ["{}", "null", "1", "[1]", "{", "\udcff"])
def test_a_text_that_is_no_list_of_entities_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--repo"):
        read_mappings(text, None)


def test_faults_of_the_file_have_their_lines(file: Path) -> None:
    file.write_text(YAML.replace("overwrite: false", "overwrite: 1"))
    with pytest.raises(DocumentFaults, match=r"line 7.*overwrite") as caught:
        read_mappings(None, file)
    assert caught.value.subject == str(file)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read_mappings(None, tmp_path / "gone.yaml")
