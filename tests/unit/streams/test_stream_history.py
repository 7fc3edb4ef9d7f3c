"""Slots and periods: what a document carries, and from when until when."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.stream import parse_stream_document
from penstock.model.errors import NotFoundError
from penstock.ports import FileVersion
from penstock.streams.history.periods import Moment, PeriodBuilder, Question
from penstock.streams.history.reading import History, history_of_file
from penstock.streams.history.slots import Carried, HistorySlot, slots_of

REGION = HistorySlot("x86_64", "aws", "us-east-1")
SLOTS = st.dictionaries(st.sampled_from([REGION, HistorySlot("aarch64", "gcp", "image")]), st.sampled_from("abc").map(Carried))


@given(st.lists(SLOTS))
def test_at_every_moment_the_periods_say_what_the_state_said(states: list[dict[HistorySlot, Carried]]) -> None:
    builder = PeriodBuilder()
    for index, state in enumerate(states):
        builder.add(Moment(str(index), index), state)
    periods = builder.periods()
    for index, state in enumerate(states):
        covering = [
            period for period in periods if int(period.since.id) <= index and (period.until is None or index < int(period.until.id))
        ]
        assert {period.slot: period.carried for period in covering} == state
        assert len(covering) == len(state)


@given(st.lists(SLOTS))
def test_two_periods_of_a_slot_that_touch_carry_different_images(states: list[dict[HistorySlot, Carried]]) -> None:
    builder = PeriodBuilder()
    for index, state in enumerate(states):
        builder.add(Moment(str(index), index), state)
    periods = builder.periods()
    for one, other in itertools.pairwise(periods):
        if one.slot == other.slot and one.until == other.since:
            assert one.carried != other.carried


def test_an_address_that_moves_is_not_another_image() -> None:
    builder = PeriodBuilder()
    for index, address in enumerate(["https://a/x", "https://b/x"]):
        builder.add(Moment(str(index), None), {REGION: Carried("x", "1", "a" * 64, frozenset({address}))})
    assert len(builder.periods()) == 1


STREAM: dict[str, Any] = {
    "stream": "s",
    "architectures": {
        "x86_64": {
            "artifacts": {"metal": {"release": "1", "formats": {"iso": {"disk": {"location": "https://x/a.iso?q", "sha256": "A" * 64}}}}},
            "images": {
                "aliyun": {"regions": {"cn": {"release": "1", "image": "m-1"}}},
                "aws": {"regions": {"us-east-1": {"release": "1", "image": "ami-1"}, "broken": {"release": "1"}}},
                "azure-community": "/CommunityGalleries/g/Images/i/Versions/latest",
                "gcp": {"release": "1", "project": "p", "name": "n"},
                "ibmcloud": {"regions": {"eu": {"release": "1", "object": "o", "bucket": "b", "url": "https://b/o"}}},
                "kubevirt": {"release": "1", "image": "q/r:t", "digest-ref": f"q/r@sha256:{'b' * 64}"},
                "powervs": {},
            },
            "rhel-coreos-extensions": {
                "aws-winli": {"regions": {"us-east-1": {"release": "1", "image": "ami-2"}}},
                "azure-disk": {"release": "1", "url": "https://x/y/os.vhd"},
                "marketplace": {
                    "aws": {"ocp": {"product": "u", "regions": {"us-east-1": {"image": "ami-3"}}}},
                    "azure": {"ocp": {"hyperVGen2": {"publisher": "redhat", "offer": "o", "sku": "s", "version": "9.6.1"}}},
                    "gcp": {"opp": {"project": "p", "name": "m"}},
                },
            },
        },
        "s390x": {},
    },
}


def carried(document: dict[str, Any]) -> dict[str, Carried]:
    found = slots_of(parse_stream_document(json.dumps(document).encode(), subject="s"))
    return {f"{slot.platform} {slot.name} {slot.arch}": image for slot, image in found.items()}


def test_every_kind_of_image_has_its_slot() -> None:
    assert {slot: image.image for slot, image in carried(STREAM).items()} == {
        "metal iso disk x86_64": "a.iso",
        "aliyun cn x86_64": "m-1",
        "aws us-east-1 x86_64": "ami-1",
        "aws winli us-east-1 x86_64": "ami-2",
        "aws ocp us-east-1 x86_64": "ami-3",
        "azure image x86_64": "/CommunityGalleries/g/Images/i/Versions/latest",
        "azure azure-disk x86_64": "os.vhd",
        "azure ocp hyperVGen2 x86_64": "redhat:o:s:9.6.1",
        "gcp image x86_64": "projects/p/global/images/n",
        "gcp opp x86_64": "projects/p/global/images/m",
        "ibmcloud eu x86_64": "b/o",
        "kubevirt image x86_64": f"q/r@sha256:{'b' * 64}",
    }


def test_a_marketplace_file_has_the_same_slots_as_the_stream_it_is_merged_into() -> None:
    marketplace = STREAM["architectures"]["x86_64"]["rhel-coreos-extensions"]["marketplace"]
    assert carried({"x86_64": marketplace}).items() <= carried(STREAM).items()
    assert len(carried({"x86_64": marketplace})) == 3


def test_update_metadata_carries_no_images() -> None:
    assert carried({"stream": "s", "releases": []}) == {}


@pytest.mark.parametrize("key", ["a.iso", "1", "a" * 64, f"sha256:{'A' * 64}", "aaaaaaaa", "https://x/a.iso?q"])
def test_a_file_answers_to_name_release_digest_and_address(key: str) -> None:
    assert carried(STREAM)["metal iso disk x86_64"].answers_to(key)


@pytest.mark.parametrize("key", ["aaaaaaa", "b" * 64, "a", "2", ""])
def test_a_file_answers_to_nothing_else(key: str) -> None:
    assert not carried(STREAM)["metal iso disk x86_64"].answers_to(key)


@given(st.sampled_from(["azure", "aws"]), st.sampled_from(["image", "ocp hyperVGen2", "us-east-1", "iso disk"]))
def test_a_slot_is_read_as_the_ledger_writes_it(platform: str, name: str) -> None:
    slot = HistorySlot.parse(f"{platform} {name} x86_64")
    assert slot == HistorySlot("x86_64", platform, name)


def test_what_is_no_slot_is_none() -> None:
    assert HistorySlot.parse("merged") is None
    assert HistorySlot.parse("gcp x86_64") == HistorySlot("x86_64", "gcp", "image")
    assert (HistorySlot("x", "azure", "ocp-emea hyperVGen1").plan, REGION.plan) == ("ocp-emea", None)


class Told:
    """A history that is told, state by state."""

    def __init__(self, states: Sequence[bytes | None]) -> None:
        self.states = states

    async def versions(self) -> AsyncIterator[FileVersion]:
        for index, content in enumerate(self.states):
            yield FileVersion(f"c{index}", index, "s.json", content)


def ask(states: Sequence[bytes | None], question: Question) -> History:
    return asyncio.run(history_of_file(Told(states), question, subject="s.json"))


def test_a_state_that_cannot_be_read_is_passed_over_and_ends_nothing() -> None:
    good = json.dumps(STREAM).encode()
    found = ask([good, b"{", good], Question(image="ami-1"))
    assert [(period.since.id, period.until) for period in found.periods] == [("c0", None)]
    assert (found.states, [(passed.moment.id, "s.json: line 1" in passed.reason) for passed in found.passed_over]) == (2, [("c1", True)])


def test_a_file_that_was_taken_away_ends_every_period() -> None:
    good = json.dumps(STREAM).encode()
    found = ask([good, None, good], Question(image="ami-1"))
    assert [(period.since.id, period.until and period.until.id) for period in found.periods] == [("c0", "c1"), ("c2", None)]


def test_an_image_that_never_was_is_not_found_and_the_unread_states_are_counted() -> None:
    with pytest.raises(NotFoundError, match=r"s\.json: no state of the file has ami-9; 1 could not be read"):
        ask([b"{"], Question(image="ami-9"))


def test_plans_and_platforms_narrow_the_question() -> None:
    good = json.dumps(STREAM).encode()
    assert [period.slot.name for period in ask([good], Question(plans=("ocp",))).periods] == ["ocp us-east-1", "ocp hyperVGen2"]
    assert [period.slot.name for period in ask([good], Question(platforms=("gcp",))).periods] == ["image", "opp"]


@pytest.mark.parametrize(
    ("told", "image"),
    [
        ({"image": "quay.example/os:9", "digest-ref": "quay.example/os@sha256:1"}, "quay.example/os@sha256:1"),
        ({"image": "quay.example/os:9", "digest-ref": ""}, "quay.example/os:9"),
        ({"image": "", "digest-ref": "quay.example/os@sha256:1"}, "quay.example/os@sha256:1"),
        ({"image": "", "digest-ref": ""}, None),
    ],
)
def test_a_container_image_is_known_by_its_digest_where_there_is_one(told: dict[str, str], image: str | None) -> None:
    content = json.dumps({"stream": "s", "architectures": {"x86_64": {"images": {"kubevirt": {"release": "1", **told}}}}}).encode()
    found = slots_of(parse_stream_document(content, subject="s")).get(HistorySlot("x86_64", "kubevirt", "image"))
    assert (found.image if found else None) == image


@pytest.mark.real_data
def test_published_streams_carry_an_image_in_every_region(real_data: Path) -> None:
    content = (real_data / "streams/installer/coreos-rhel-9-98c7275538.json").read_bytes()
    found = slots_of(parse_stream_document(content, subject="s"))
    regions = json.loads(content)["architectures"]["x86_64"]["images"]["aws"]["regions"]
    assert {name: found[HistorySlot("x86_64", "aws", name)].image for name in regions} == {
        name: image["image"] for name, image in regions.items()
    }
    assert all(image.release for image in found.values())
