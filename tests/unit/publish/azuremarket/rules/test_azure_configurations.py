from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.codec import decode, to_tree
from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.model.push.azuremarket import ImageVersion, PlanSku, TechnicalConfiguration
from penstock.model.record import Tree
from penstock.publish.azuremarket.configurations import Attachment, attached, has_others, skus_for, skus_of
from penstock.publish.azuremarket.images import KnownDisks, WantedImage, begun, clash, has_ended, image_types, standing, untold

ROOT = "https://pictures.blob.example/pubupload/"
TYPES = ("x64Gen1", "x64Gen2", "arm64Gen2")
NOTHING = KnownDisks()


def uri(name: str, end: str = "2029-05-10T00:00:00Z") -> str:
    return f"{ROOT}{name}?se={end}&sp=r&sv=2021-12-02&sr=b&sig=secret"


def image(image_type: str, name: str, **more: Tree) -> Tree:
    return {"imageType": image_type, "source": {"sourceType": "sasUri", "osDisk": {"uri": uri(name)}, "dataDisks": []}, **more}


def version(number: str, **images: str) -> Tree:
    made = [image(each, name) for each, name in images.items()]
    return {"versionNumber": number, "vmImages": made, "lifecycleState": "generallyAvailable"}


def configuration(*versions: Tree, skus: list[Tree] | None = None, **more: Tree) -> TechnicalConfiguration:
    tree: Tree = {"$schema": "s", "id": "t", "product": "p", "plan": "q", "skus": skus or [], "vmImageVersions": list(versions), **more}
    return decode(tree, TechnicalConfiguration, subject="configuration")


def wanted(name: str = "new.vhd", *types: str, content: Digest | None = None, base_only: bool = False) -> WantedImage:
    return WantedImage(types=types or ("x64Gen2",), base=ROOT + name, content=content, base_only=base_only)


def attach(
    to: TechnicalConfiguration, what: WantedImage, number: str = "9.4.1", only: tuple[WantedImage, ...] | None = None
) -> TechnicalConfiguration:
    attachment = Attachment(wanted=what, number=number, plan="plan", only=only)
    return attached(to, attachment, uri(what.base.rpartition("/")[2]), NOTHING)


def shown(of: TechnicalConfiguration) -> dict[str, dict[str, str]]:
    return {each.number: {one.image_type: one.uri.partition("?")[0].removeprefix(ROOT) for one in each.images} for each in of.all_versions}


VERSIONS = st.lists(
    st.tuples(
        st.sampled_from(["9.3.1", "9.4.1", "9.5.1"]),
        st.dictionaries(st.sampled_from(TYPES), st.sampled_from(["a.vhd", "b.vhd", "new.vhd"]), min_size=1),
    ),
    unique_by=lambda pair: pair[0],
    max_size=3,
)
WANTED = st.sampled_from([("x64Gen2",), ("x64Gen2", "x64Gen1"), ("x64Gen1",), ("arm64Gen2",)])


@given(VERSIONS, WANTED)
def test_an_image_stands_there_once_it_is_attached(stock: list[tuple[str, dict[str, str]]], types: tuple[str, ...]) -> None:
    before = configuration(*(version(number, **images) for number, images in stock))
    after = attach(before, wanted("new.vhd", *types))
    assert standing(after.all_versions, wanted("new.vhd", *types), NOTHING)
    assert not clash(after.all_versions, "9.4.1", wanted("new.vhd", *types), NOTHING)


@given(VERSIONS, WANTED)
def test_attaching_changes_nothing_of_other_versions_and_types(stock: list[tuple[str, dict[str, str]]], types: tuple[str, ...]) -> None:
    before = configuration(*(version(number, **images) for number, images in stock))
    after = shown(attach(before, wanted("new.vhd", *types)))
    expected = {number: dict(images) for number, images in stock}
    expected.setdefault("9.4.1", {}).update(dict.fromkeys(types, "new.vhd"))
    assert after == expected


@given(VERSIONS, WANTED)
def test_attaching_twice_is_attaching_once(stock: list[tuple[str, dict[str, str]]], types: tuple[str, ...]) -> None:
    once = attach(configuration(*(version(number, **images) for number, images in stock)), wanted("new.vhd", *types))
    assert attach(once, wanted("new.vhd", *types)) == once


@given(VERSIONS)
def test_the_order_in_which_two_architectures_come_is_no_matter(stock: list[tuple[str, dict[str, str]]]) -> None:
    before = configuration(*(version(number, **images) for number, images in stock))
    x64, arm = wanted("x64.vhd"), wanted("arm.vhd", "arm64Gen2")
    one, other = attach(attach(before, x64), arm), attach(attach(before, arm), x64)
    assert shown(one) == shown(other)
    assert {(each.image_type, each.id) for each in one.all_skus} == {(each.image_type, each.id) for each in other.all_skus}


@given(VERSIONS, WANTED)
def test_every_type_of_image_has_a_sku(stock: list[tuple[str, dict[str, str]]], types: tuple[str, ...]) -> None:
    after = attach(configuration(*(version(number, **images) for number, images in stock)), wanted("new.vhd", *types))
    named = [each.image_type for each in after.all_skus]
    assert {one.image_type for each in after.all_versions for one in each.images} <= set(named)
    assert len(set(named)) == len(named)
    assert len({each.id for each in after.all_skus}) == len(named)


@given(VERSIONS)
def test_overwriting_leaves_what_the_run_brings_alone(stock: list[tuple[str, dict[str, str]]]) -> None:
    x64, arm = wanted("x64.vhd"), wanted("arm.vhd", "arm64Gen2")
    after = configuration(*(version(number, **images) for number, images in stock))
    for each in (x64, arm):
        after = attach(after, each, only=(x64, arm))
    assert shown(after) == {"9.4.1": {"x64Gen2": "x64.vhd", "arm64Gen2": "arm.vhd"}}
    assert not has_others(after.all_versions, (x64, arm), NOTHING)


def test_what_is_not_known_is_kept() -> None:
    before = configuration(version("9.3.1", x64Gen2="a.vhd"), vmProperties={"supportsNVMe": True}, newInNextYear=[1, {"deep": None}])
    tree = to_tree(attach(before, wanted()))
    assert isinstance(tree, dict)
    assert (tree["vmProperties"], tree["newInNextYear"]) == ({"supportsNVMe": True}, [1, {"deep": None}])


def test_a_replaced_image_keeps_what_else_is_said_of_it() -> None:
    before = configuration({"versionNumber": "9.4.1", "vmImages": [image("x64Gen2", "a.vhd", note="keep")]})
    tree = to_tree(attach(before, wanted()).all_versions[0].images[0])
    assert isinstance(tree, dict)
    assert tree["note"] == "keep"


def test_no_signature_is_in_the_words_for_a_configuration() -> None:
    assert "secret" not in repr(attach(configuration(version("9.3.1", x64Gen2="a.vhd")), wanted()))


# --- the same or another image


def test_equal_content_is_the_same_image_under_any_address() -> None:
    content = Digest.of(b"disk")
    known = KnownDisks({ROOT + "old.vhd": content})
    assert standing(configuration(version("9.4.1", x64Gen2="old.vhd")).all_versions, wanted(content=content), known) == "9.4.1"


def test_other_content_is_another_image_under_the_same_address() -> None:
    known = KnownDisks({ROOT + "new.vhd": Digest.of(b"another")})
    versions = configuration(version("9.4.1", x64Gen2="new.vhd")).all_versions
    assert not standing(versions, wanted(content=Digest.of(b"disk")), known)
    assert "has another image" in clash(versions, "9.4.1", wanted(content=Digest.of(b"disk")), known)


def test_what_is_gone_is_not_taken_for_the_same() -> None:
    versions, known = configuration(version("9.4.1", x64Gen2="new.vhd")).all_versions, KnownDisks(gone=frozenset({ROOT + "new.vhd"}))
    assert (standing(versions, wanted(), known), untold(versions, wanted(), known)) == ("", "9.4.1")
    assert standing(versions, wanted(base_only=True), known) == "9.4.1"


def test_an_image_for_one_of_two_types_is_begun_and_does_not_stand() -> None:
    versions = configuration(version("9.4.1", x64Gen2="new.vhd")).all_versions
    both = wanted("new.vhd", "x64Gen2", "x64Gen1")
    assert (standing(versions, both, NOTHING), begun(versions, both, NOTHING)) == ("", "9.4.1")


@pytest.mark.parametrize(("day", "ended"), [(9, False), (10, True), (11, True)])
def test_a_signature_ends_at_its_end(day: int, ended: bool) -> None:
    versions = configuration(version("9.4.1", x64Gen2="new.vhd")).all_versions
    assert has_ended(versions, "9.4.1", ("x64Gen2",), datetime(2029, 5, day, tzinfo=UTC)) is ended


# --- types of machines


@pytest.mark.parametrize(
    ("arch", "generation", "legacy", "expected"),
    [
        ("x86_64", None, False, ("x64Gen2",)),
        ("amd64", "V2", True, ("x64Gen2", "x64Gen1")),
        ("x86_64", "v1", True, ("x64Gen1",)),
        ("aarch64", "V2", True, ("arm64Gen2",)),
    ],
)
def test_types_of_machines(arch: str, generation: str | None, legacy: bool, expected: tuple[str, ...]) -> None:
    assert image_types(arch, generation, support_legacy=legacy) == expected


@pytest.mark.parametrize(("arch", "generation"), [("s390x", None), ("aarch64", "V1"), ("x86_64", "V3"), ("toaster", None)])
def test_machines_that_azure_does_not_have(arch: str, generation: str | None) -> None:
    with pytest.raises(InputError):
        image_types(arch, generation, support_legacy=False)


# --- SKUs


def skus(*pairs: tuple[str, str], security: tuple[str, ...] | None = None) -> list[PlanSku]:
    made = [PlanSku(image_type=image_type, id=name) for image_type, name in pairs]
    return [each.with_fields(security_type=security) if security else each for each in made]


def versions_of(*types: str) -> tuple[ImageVersion, ...]:
    return configuration(version("9.4.1", **dict.fromkeys(types, "a.vhd"))).all_versions


@pytest.mark.parametrize(
    ("old", "types", "main", "expected"),
    [
        ((), ("x64Gen2",), "x64Gen2", {"x64Gen2": "plan"}),
        ((), ("x64Gen2", "x64Gen1"), "x64Gen2", {"x64Gen2": "plan", "x64Gen1": "plan-gen1"}),
        ((), ("x64Gen1", "x64Gen2"), "x64Gen1", {"x64Gen1": "plan", "x64Gen2": "plan-gen2"}),
        ((), ("arm64Gen2",), "arm64Gen2", {"arm64Gen2": "plan-arm64"}),
        ((("x64Gen1", "plan"),), ("x64Gen1", "x64Gen2"), "x64Gen2", {"x64Gen1": "plan", "x64Gen2": "plan-gen2"}),
        ((("x64Gen1", "plan-gen1"),), ("x64Gen1", "x64Gen2"), "x64Gen2", {"x64Gen1": "plan-gen1", "x64Gen2": "plan"}),
        ((("x64Gen2", "own"),), ("x64Gen2", "arm64Gen2"), "arm64Gen2", {"x64Gen2": "own", "arm64Gen2": "plan-arm64"}),
        ((("x64Gen2", "plan"), ("x64Gen1", "plan-gen1")), ("arm64Gen2",), "arm64Gen2", {"arm64Gen2": "plan-arm64"}),
        ((("x64Gen2", "plan"), ("x64Gen1", "plan-gen1")), ("x64Gen2",), "x64Gen2", {"x64Gen2": "plan", "x64Gen1": "plan-gen1"}),
    ],
)
def test_skus_of_a_plan(old: tuple[tuple[str, str], ...], types: tuple[str, ...], main: str, expected: dict[str, str]) -> None:
    made = skus_for(skus(*old), versions_of(*types), "plan", main_type=main)
    assert {each.image_type: each.id for each in made} == expected


def test_new_skus_stand_in_the_order_of_their_ids() -> None:
    made = skus_for((), versions_of("x64Gen2", "arm64Gen2", "x64Gen1"), "plan", main_type="x64Gen2")
    assert [each.id for each in made] == ["plan", "plan-arm64", "plan-gen1"]


def test_a_new_sku_of_the_second_generation_alone_gets_the_security_type() -> None:
    made = skus_for(skus(("x64Gen1", "plan-gen1"), security=("trusted",)), versions_of(*TYPES), "plan", main_type="x64Gen2")
    told = {each.image_type: to_tree(each) for each in made}
    assert told["x64Gen2"] == {"imageType": "x64Gen2", "skuId": "plan", "securityType": ["trusted"]}
    assert told["arm64Gen2"] == {"imageType": "arm64Gen2", "skuId": "plan-arm64"}


def test_skus_that_are_complete_stay_as_they_are() -> None:
    old = skus(("x64Gen2", "b"), ("x64Gen1", "a"), security=("trusted",))
    assert skus_for(old, versions_of("x64Gen1"), "plan", main_type="x64Gen1") == tuple(old)


def test_the_skus_of_an_image_are_those_of_its_types() -> None:
    to = configuration(skus=[{"imageType": "x64Gen2", "skuId": "plan"}, {"imageType": "x64Gen1", "skuId": "plan-gen1"}])
    assert skus_of(to, ("x64Gen1", "arm64Gen2")) == ("plan-gen1",)
