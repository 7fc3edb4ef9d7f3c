"""Catalogues as JSON documents."""

import json
import re

import pytest

from penstock.model.errors import InputError
from penstock.simulators.cloud import Catalogue, parse_catalogue, write_catalogue


def test_a_catalogue_is_read_as_it_was_written(catalogue: Catalogue) -> None:
    assert parse_catalogue(write_catalogue(catalogue), subject="catalogue.json") == catalogue


def test_what_has_its_default_is_not_written(catalogue: Catalogue) -> None:
    written = json.loads(write_catalogue(catalogue))
    names = {"publisher": "redhat", "offer": "rh-ocp-worker", "sku": "rh-ocp-worker-gen1", "version": "4.18.2025031114"}
    assert written["azure"][1] == {**names, "plan": True}


def test_an_empty_document_is_an_empty_catalogue() -> None:
    assert parse_catalogue(b"{}", subject="catalogue.json") == Catalogue()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"azur": []}', r"at \$\.azur: the key 'azur' is unknown"),
        ('{"aws": [{"region": "us-east-1", "deprectaed_at": null}]}', r"at \$\.aws\[0\]\.deprectaed_at: the key .* is unknown"),
        ('{"gcp": [{"project": "p"}]}', r"at \$\.gcp\[0\].*the key 'name' is missing"),
        ('{"gcp": [{"project": "p", "name": 1}]}', r"at \$\.gcp\[0\]\.name: text is wanted"),
        (
            '{\n "gcp": [\n  {"project": "p", "name": "n",\n   "removed_at": "2026-05-20T12:00:00"}]}',
            r"line 4.*at \$\.gcp\[0\]\.removed_at: a time has a time zone",
        ),
        ('{"azure": [{"publisher": "p", "offer": "o", "sku": "s", "version": "1.2.3", "generation": "V2"}]}', r"azure\[0\]\.generation"),
        ("[]", "an object is wanted"),
        ("{", "catalogue.json"),
    ],
)
def test_a_wrong_document_is_refused_with_the_place(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_catalogue(text.encode(), subject="catalogue.json")
    assert re.search(said, str(caught.value))


def test_catalogues_add_up_and_what_is_in_both_stands_once(catalogue: Catalogue) -> None:
    assert catalogue + catalogue == catalogue
    assert (Catalogue() + catalogue).azure == catalogue.azure
