"""What is wrong with a source is found before anything is asked, and no secret of it is shown."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.adapters.files.pushsources import parse_source
from penstock.adapters.pub import PubSource
from penstock.adapters.pushsource import UpstreamSource, parse_upstream
from penstock.adapters.pushsource.grammar import without_secrets
from penstock.model.errors import InputError

HUB = "koji:https://hub.example.com/kojihub"


def test_the_form_of_the_documentation_is_read() -> None:
    address = parse_upstream(f"{HUB}?vmi_build=a-1-1,b-1-1&basedir=/mnt/koji&dest=x&threads=4&timeout=1800")
    assert (address.scheme, address.place, address.subjects) == ("koji", HUB, ("a-1-1", "b-1-1"))


def test_keys_may_stand_without_a_question_mark() -> None:
    address = parse_upstream("koji:url=https://hub.example.com/kojihub&vmi_build=a-1-1")
    assert (address.place, address.subjects) == (HUB, ("a-1-1",))


def test_a_key_may_be_given_several_times() -> None:
    assert parse_upstream(f"{HUB}?vmi_build=a-1-1&vmi_build=b-1-1,c-1-1").subjects == ("a-1-1", "b-1-1", "c-1-1")


def test_an_advisory_keeps_the_source_of_its_builds() -> None:
    address = parse_upstream("errata:https://et.example.com?errata=RHBA-2026:1234&koji_source=koji:https://hub?basedir=/mnt/koji")
    assert address.subjects == ("RHBA-2026:1234",)
    assert address.koji_source == "koji:https://hub?basedir=/mnt/koji"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("koji:https://h?vmi_build=a", UpstreamSource),
        ("errata:https://e?errata=A&koji_source=koji:https://h", UpstreamSource),
        ("pub:https://p?task_id=1", PubSource),
    ],
)
def test_every_scheme_makes_a_source_that_asks_nothing_yet(text: str, kind: type) -> None:
    assert isinstance(parse_source(text), kind)


@pytest.mark.parametrize("text", ["pub:https://me:sesame@p:8/below?task_id=1", "pub:url=https://me:sesame@p:8/below&task_id=1"])
def test_the_address_of_the_server_is_known_without_what_is_asked_of_it(text: str) -> None:
    assert parse_upstream(text).server == "https://me:sesame@p:8/below"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("koji:vmi_build=a", "names no server"),
        ("koji:?vmi_build=a", "names no server"),
        ("koji:ftp://hub?vmi_build=a", "names no server"),
        ("koji:https://hub:port?vmi_build=a", "names no server"),
        (f"{HUB}?build=a", "knows no 'build'"),
        (f"{HUB}?cache=a&vmi_build=a", "knows no 'cache'"),
        (f"{HUB}?vmi_build=a&threads=many", "threads is a whole number"),
        (f"{HUB}?vmi_build=a&threads=0", "threads is a whole number"),
        (f"{HUB}?vmi_build=a&timeout=1&timeout=2", "timeout is a whole number"),
        (f"{HUB}?vmi_build=", "does not say vmi_build"),
        (HUB, "does not say vmi_build"),
        (f"{HUB}?vmi_build=a#part", "has a fragment"),
        ("pub:https://pub?task_id=one", "task_id is a whole number"),
        ("errata:https://et?errata=A", "koji_source="),
        ("errata:https://et?errata=A&koji_source=brew", "koji_source="),
        ("errata:https://et?errata=A&koji_source=koji:hub", "names no hub"),
        ("errata:https://et?errata=A&koji_source=koji:https://hub?talk=1", "knows no 'talk'"),
    ],
)
def test_what_is_wrong_is_said(text: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        parse_source(text)


def test_neither_the_address_nor_an_error_shows_a_password() -> None:
    address = parse_upstream("koji:https://me:sesame@hub.example.com/kojihub?vmi_build=a")
    assert "sesame" not in repr(address) + address.place
    with pytest.raises(InputError) as caught:
        parse_upstream("koji:https://me:sesame@hub.example.com/kojihub?vmi_build=a&token=sesame")
    assert "sesame" not in f"{caught.value} {caught.value.hint}"


@given(st.text(alphabet="abc:/?#@&=%. '\"[]", max_size=40))
def test_no_text_makes_the_filter_of_logs_fail_or_show_a_query(rest: str) -> None:
    shown = without_secrets(f"asked https://me:sesame@hub.example.com/kojihub?token=sesame{rest}")
    assert "sesame" not in shown


def test_a_source_costs_no_import_of_the_library_before_it_is_loaded() -> None:
    script = """
import sys
from penstock.adapters.files.pushsources import parse_source
parse_source("koji:https://hub?vmi_build=a")
print(sorted({"koji", "pushsource", "requests"} & {*sys.modules}))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
