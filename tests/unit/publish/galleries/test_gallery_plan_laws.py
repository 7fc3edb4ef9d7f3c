import random
from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.gallerymeta import GalleryMeta
from penstock.model.digest import Digest
from penstock.model.push.content import ImageContent
from penstock.model.push.galleries import COMMUNITY, CONTENT_TAG, CommunityInfo, FoundDefinition, FoundGallery, FoundVersion, GalleryPlace
from penstock.model.push.items import BuildInfo, PushItem, ReleaseInfo, VhdAttributes
from penstock.publish.actions import Phase
from penstock.publish.azure.observing import ObservedAccount, ObservedBlobs
from penstock.publish.galleries.actions import CreateVersion
from penstock.publish.galleries.observing import ObservedGalleries
from penstock.publish.galleries.planning import GalleryRules, plan_galleries
from penstock.publish.galleries.target import GalleryDestination, GalleryTarget, SettledPlace
from penstock.publish.plan import Plan

ACCOUNT = "azure-us-storage"
SRCS = ("/stage/a.vhd", "/stage/b.vhd")
PUBLISHER = CommunityInfo(publisher_uri="u", publisher_contact="c", eula="e", public_name_prefix="coreos")
Situation = tuple[list[GalleryTarget], ObservedGalleries, GalleryRules]


def content(src: str) -> ImageContent:
    digest = Digest.of(src.encode())
    return ImageContent(src=src, file_sha256=digest, file_size_bytes=512, digest=digest, size_bytes=512, compressed=False, data_bytes=512)


def place_of(target: GalleryTarget) -> GalleryPlace:
    return GalleryPlace("s", "images", target.destination.gallery)


def target(number: int, src: str, gallery: str, *, community: bool) -> GalleryTarget:
    item = PushItem(
        name=src.rpartition("/")[2],
        src=src,
        build=BuildInfo("fcos", "42.20250526.2.1", "0"),
        release=ReleaseInfo("fcos", date(2025, 5, 26), "x86_64"),
        attributes=VhdAttributes(),
    )
    return GalleryTarget(
        label=f"gallery {number}",
        order=(number, 0),
        item=item,
        source=item,
        account=ACCOUNT,
        destination=GalleryDestination(gallery, "fcos"),
        meta=GalleryMeta(location="eastus", regions=("eastus",), community=PUBLISHER if community else None),
        version=f"42.20250526.{number}",
        generation="V2",
        architecture="x64",
        tags={},
        blob_tags={},
    )


def planned(targets: list[GalleryTarget], observed: ObservedGalleries, rules: GalleryRules) -> Plan:
    places = {each.label: SettledPlace(place=place_of(each), storage_account="/a", publisher="p") for each in targets}
    stored = ObservedBlobs({ACCOUNT: ObservedAccount(containers={"pubupload": True})})
    return plan_galleries(targets, {src: content(src) for src in SRCS}, places, (observed, stored), rules)


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Some targets in two galleries, and what stands there of them."""
    community = draw(st.booleans())
    drawn = st.tuples(st.sampled_from(SRCS), st.sampled_from(["one", "two"]))
    targets = [target(number, *each, community=community) for number, each in enumerate(draw(st.lists(drawn, min_size=1, max_size=5)))]
    galleries, definitions, versions = {}, {}, {}
    for each in targets:
        place = place_of(each)
        if draw(st.booleans()):
            how = draw(st.sampled_from([COMMUNITY, COMMUNITY, ""]))
            names = ("coreos-1",) if how and draw(st.booleans()) else ()
            galleries[place] = FoundGallery(name=place.gallery, location="eastus", state="Succeeded", permissions=how, public_names=names)
            definitions[place, "fcos"] = FoundDefinition(name="fcos", state="Succeeded", generation="V2", architecture="x64")
        if place in galleries and draw(st.booleans()):
            digest = content(draw(st.sampled_from([each.item.src, *SRCS]))).digest
            versions[place, "fcos", each.version] = FoundVersion(
                name=each.version,
                state=draw(st.sampled_from(["Succeeded", "Creating", "Failed"])),
                tags={CONTENT_TAG: digest.hex},
                regions=("East US",),
                exclude_from_latest=draw(st.booleans()),
            )
    skip = frozenset(draw(st.sets(st.sampled_from([Phase.PUBLIC, Phase.PUBLISH]))))
    observed = ObservedGalleries(galleries=galleries, definitions=definitions, versions=versions)
    return targets, observed, GalleryRules(pre_push=draw(st.booleans()), skip=skip)


@given(situations(), st.randoms(use_true_random=False))
def test_the_plan_of_galleries_does_not_depend_on_the_order_of_targets(one: Situation, chance: random.Random) -> None:
    targets, observed, rules = one
    shuffled = list(targets)
    chance.shuffle(shuffled)
    assert planned(shuffled, observed, rules) == planned(targets, observed, rules)


@given(situations())
def test_every_disk_is_sent_once_and_every_gallery_made_once(one: Situation) -> None:
    steps = [step.action for step in planned(*one).steps if step.is_work]
    for verb, key in (("upload blob", "content"), ("create gallery", "gallery")):
        made: list[Any] = [getattr(each, key) for each in steps if each.verb == verb]
        assert len(set(made)) == len(made)


@given(situations())
def test_a_pre_push_shares_nothing_and_holds_new_versions_back(one: Situation) -> None:
    targets, observed, rules = one
    plan = planned(targets, observed, replace(rules, pre_push=True))
    assert not [step for step in plan.steps if step.action.phase.releases]
    assert all(step.action.wish.exclude_from_latest for step in plan.steps if isinstance(step.action, CreateVersion))


@given(situations())
def test_every_target_of_a_gallery_is_planned_or_in_conflict(one: Situation) -> None:
    plan = planned(*one)
    steps = plan.by_id()
    assert [each.label for each in plan.targets] == [each.label for each in one[0]]
    for each in plan.targets:
        verbs = [steps[name].action.verb for name in each.steps]
        assert bool(each.conflict) != ("create version" in verbs)
        for step in (steps[name] for name in each.steps):
            assert set(step.needs) <= set(each.steps)
