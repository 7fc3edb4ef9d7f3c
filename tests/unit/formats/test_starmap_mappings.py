import json

import pytest

from penstock.formats.everyfault import DocumentFaults
from penstock.formats.starmap import parse_mappings_json, parse_mappings_yaml
from penstock.formats.text import show_path
from penstock.model.errors import InputError
from penstock.model.starmap import StarmapWorkflow, how_many_stay


def a_destination(**more: object) -> dict[str, object]:
    return {"destination": "us-east-1-hourly", "overwrite": False, "restrict_version": False, **more}


def an_entity(*destinations: object, **more: object) -> dict[str, object]:
    mappings = {"aws-us-storage": {"provider": "AWS", "destinations": list(destinations)}}
    return {"name": "rhel-ec2", "cloud": "aws", "workflow": "community", "mappings": mappings, **more}


def read(*entities: object) -> object:
    return parse_mappings_json(json.dumps(list(entities)).encode(), subject="--repo")


def faults(*entities: object) -> dict[str, str]:
    with pytest.raises(DocumentFaults) as caught:
        read(*entities)
    return {show_path(each.path): each.problem for each in caught.value.faults}


def test_a_mapping_is_read_with_what_nobody_knows() -> None:
    (entity,) = parse_mappings_json(json.dumps([an_entity(a_destination(colour="blue"), stage=1)]).encode(), subject="--repo")
    assert entity.workflow is StarmapWorkflow.COMMUNITY
    assert entity.extra == {"stage": 1}
    assert entity.mappings["aws-us-storage"].destinations[0].extra == {"colour": "blue"}


def test_all_wrong_shapes_are_told_at_once_each_with_its_path() -> None:
    wrong = an_entity({"destination": 1, "overwrite": "no"}, a_destination(tags={"a": 1}), cloud="ibm")
    assert faults(wrong).keys() == {
        "$[0].cloud",
        "$[0].mappings.aws-us-storage.destinations[0]",
        "$[0].mappings.aws-us-storage.destinations[0].destination",
        "$[0].mappings.aws-us-storage.destinations[0].overwrite",
        "$[0].mappings.aws-us-storage.destinations[1].tags.a",
    }


def test_the_line_stands_in_a_message_about_yaml() -> None:
    text = b"- name: rhel-ec2\n  cloud: aws\n  workflow: community\n  mappings:\n    aws-us-storage:\n      destinations: no\n"
    with pytest.raises(DocumentFaults, match=r"line 6, column \d+, at \$\[0\]\.mappings\.aws-us-storage\.destinations"):
        parse_mappings_yaml(text, subject="map.yaml")


def test_all_wrong_meanings_are_told_at_once() -> None:
    mapping = {"destinations": [a_destination(destination="us-east-1")], "version_fnmatch": "9*", "version_regexmatch": "9("}
    wrong = an_entity(a_destination(restrict_major=2), a_destination(restrict_version=True, restrict_minor=0))
    other = {**an_entity(), "mappings": {"aws-us-storage": mapping}}
    assert faults(wrong, other).keys() == {
        "$[0].mappings.aws-us-storage.destinations[0].restrict_major",
        "$[0].mappings.aws-us-storage.destinations[1].restrict_minor",
        "$[1].mappings.aws-us-storage",
        "$[1].mappings.aws-us-storage.version_regexmatch",
        "$[1].mappings.aws-us-storage.destinations[0].destination",
    }


@pytest.mark.parametrize(("said", "stay"), [(3, 3), (True, 1), (False, None), (None, None)])
def test_restrictions_are_numbers_or_booleans(said: int | bool | None, stay: int | None) -> None:
    (entity,) = parse_mappings_json(
        json.dumps([an_entity(a_destination(restrict_version=True, restrict_major=said, restrict_minor=said))]).encode(), subject="--repo"
    )
    (destination,) = entity.mappings["aws-us-storage"].destinations
    assert (how_many_stay(destination.restrict_major), how_many_stay(destination.restrict_minor)) == (stay, stay)


def test_a_restriction_that_is_off_needs_no_restrict_version() -> None:
    read(an_entity(a_destination(restrict_major=False, restrict_minor=None)))


def test_an_object_is_no_list_of_entities() -> None:
    with pytest.raises(InputError, match="a list is wanted"):
        parse_mappings_json(b"{}", subject="--repo")


def test_the_accounts_keep_the_order_of_the_document() -> None:
    mappings = {name: {"destinations": [a_destination()]} for name in ("aws-us-storage", "aws-china-storage", "aws-esc-storage")}
    (entity,) = parse_mappings_json(json.dumps([{**an_entity(), "mappings": mappings}]).encode(), subject="--repo")
    assert list(entity.mappings) == ["aws-us-storage", "aws-china-storage", "aws-esc-storage"]


def test_numbers_in_the_meta_may_have_a_fraction() -> None:
    (entity,) = parse_mappings_yaml(json.dumps([an_entity(meta={"release": {"version": 9.4}})]).encode(), subject="map.yaml")
    assert entity.meta == {"release": {"version": 9.4}}


@pytest.mark.parametrize(
    ("cloud", "destination", "problem"),
    [
        ("gcp", "rhel-images", ""),
        ("gcp", "example.com:rhel-images/rhel-9", ""),
        ("gcp", "us-east-1-hourly/", "no name of a family"),
        ("gcp", "Images", "no id of a project"),
        ("azure", "my_gallery.1/rhel-9-x64", ""),
        ("azure", "us-east-1-hourly", "no GALLERY/IMAGE"),
        ("azure", "my-gallery/rhel", "no name of a gallery"),
        ("azure", "gallery/-", "no name of an image definition"),
    ],
)
def test_destinations_of_other_clouds_have_grammars_of_their_own(cloud: str, destination: str, problem: str) -> None:
    place = {"destination": destination, "overwrite": False, "restrict_version": False}
    entity = {"name": "rhel", "cloud": cloud, "workflow": "community", "mappings": {f"{cloud}-storage": {"destinations": [place]}}}
    if not problem:
        assert parse_mappings_json(json.dumps([entity]).encode(), subject="m")
        return
    with pytest.raises(DocumentFaults, match=problem) as caught:
        parse_mappings_json(json.dumps([entity]).encode(), subject="m")
    assert caught.value.faults[0].path[-1] == "destination"
