import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.errors import InputError
from penstock.model.push.items import AmiAttributes, BillingCodes, PushItem, ReleaseInfo
from penstock.publish.aws.names import DEFAULT_TEMPLATE, format_version, image_name, release_label

Items = Callable[..., PushItem]

WORDS = st.text("ABCxyz09._", min_size=1, max_size=8)
VERSIONS = st.lists(st.integers(0, 99).map(str), min_size=2, max_size=5).map(".".join)
RELEASES = st.builds(
    ReleaseInfo,
    product=WORDS,
    date=st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    arch=st.sampled_from(["x86_64", "arm64"]),
    respin=st.integers(0, 99),
    version=st.none() | VERSIONS,
    base_product=st.none() | WORDS,
    base_version=st.none() | VERSIONS,
    type=st.sampled_from([None, "ga", "beta"]),
)
CODED = AmiAttributes(virtualization="hvm", volume="gp3", billing_codes=BillingCodes("Hourly2", ("bp-1",)))


def test_the_name_of_the_documentation(item: Items) -> None:
    release = replace(item().release, type="ga")
    assert image_name(item(release=release, attributes=CODED), None) == "RHEL-9.4_HVM_GA-20260511-x86_64-1-Hourly2-GP3"


def test_a_layered_product_has_its_base_before_it(item: Items) -> None:
    release = replace(item().release, product="SAP", base_product="RHEL", base_version="9.2.5", version=None)
    assert image_name(item(release=release), "{version}") == "RHEL-9.2-SAP-HVM-20260511-x86_64-1"


def test_a_base_without_a_version_stands_alone(item: Items) -> None:
    release = replace(item().release, base_product="RHEL", base_version=None)
    assert image_name(item(release=release), None).startswith("RHEL-RHEL-9.4_HVM-")


@given(release=RELEASES, coded=st.booleans())
def test_every_name_follows_the_grammar(item: Items, release: ReleaseInfo, coded: bool) -> None:
    attributes = CODED if coded else replace(CODED, billing_codes=None)
    name = image_name(item(release=release, attributes=attributes), None)
    middle = r"(?:[0-9]+\.[0-9]+_)?HVM(?:_GA|_BETA)?"
    end = "-Hourly2-GP3" if coded else ""
    assert re.fullmatch(rf"[\w.]+(?:-[\w.]+)*-{middle}-[0-9]{{8}}-(?:x86_64|arm64)-[0-9]+{end}", name)


@given(first=RELEASES, second=RELEASES)
def test_names_of_releases_that_differ_in_date_arch_respin_or_type_differ(item: Items, first: ReleaseInfo, second: ReleaseInfo) -> None:
    second = replace(first, date=second.date, arch=second.arch, respin=second.respin, type=second.type)
    names = [image_name(item(release=each), None) for each in (first, second)]
    assert (names[0] == names[1]) == (first == second)


@pytest.mark.parametrize(
    ("version", "template", "expected"),
    [
        ("9.4", DEFAULT_TEMPLATE, "9.4"),
        ("9.4.1", "{major}.{minor}.{patch}", "9.4.1"),
        ("9.6.20250523-0", "{version}", "9.6.20250523-0"),
        ("4.16.0.1.2", "{major}{{}}", "4{}"),
        ("9", "{major}", "9"),
        ("9.4", "", ""),
    ],
)
def test_a_version_is_written_by_its_template(version: str, template: str, expected: str) -> None:
    assert format_version(version, template) == expected


@pytest.mark.parametrize("template", ["{minor}", "{arch}", "{major.__class__}", "{major:>999999999}", "{major!r}", "{", "{}"])
def test_a_template_that_asks_for_something_else_is_refused(template: str) -> None:
    with pytest.raises(InputError, match="template"):
        format_version("9", template)


@pytest.mark.parametrize(
    ("attributes", "missing"), [(replace(CODED, virtualization=None), "virtualization"), (replace(CODED, volume=""), "volume")]
)
def test_an_attribute_that_nobody_says_is_named(item: Items, attributes: AmiAttributes, missing: str) -> None:
    with pytest.raises(InputError, match=missing):
        image_name(item(attributes=attributes), None)


@pytest.mark.parametrize(("product", "word"), [("RHEL~1", "'~'"), ("R" * 120, "characters"), ("RHÉL", "'É'")])
def test_a_name_that_ec2_refuses_is_refused_before(item: Items, product: str, word: str) -> None:
    with pytest.raises(InputError, match=word):
        image_name(item(release=replace(item().release, product=product)), None)


def test_a_release_for_people_has_the_words_that_there_are(item: Items) -> None:
    assert release_label(item().release) == "RHEL 9.4 20260511 x86_64"
