import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.codec import decode
from penstock.model.push.azuremarket import ResourceTree, Submission, TargetType
from penstock.model.record import Tree
from penstock.publish.azuremarket.drafts import modular_resources, newest_published, unpublished_changes

TECHNICAL = "virtual-machine-plan-technical-configuration"
RESOURCES: tuple[dict[str, Tree], ...] = (
    {"$schema": "product", "id": "product/1", "identity": {"externalId": "rhel"}},
    {"$schema": "property", "id": "property/1", "product": "product/1", "termsOfUse": "none"},
    {"$schema": "plan", "id": "plan/1/a", "product": "product/1", "identity": {"externalId": "9-lvm"}},
    {"$schema": "plan", "id": "plan/1/b", "product": "product/1", "identity": {"externalId": "9-raw"}},
    {"$schema": "listing", "id": "listing/1", "product": "product/1", "title": "RHEL", "url": "https://pictures.example/a?sig=1"},
    {"$schema": TECHNICAL, "id": f"{TECHNICAL}/1/a", "plan": "plan/1/a"},
    {"$schema": TECHNICAL, "id": f"{TECHNICAL}/1/b", "plan": "plan/1/b"},
    {"$schema": "submission", "id": "submission/1/0", "target": {"targetType": "draft"}},
)


def tree(*resources: Tree) -> ResourceTree:
    return decode({"root": "product/1", "resources": list(resources or RESOURCES)}, ResourceTree, subject="tree")


def changed(key: str, **fields: Tree) -> ResourceTree:
    return tree(*({**each, **fields} if each["id"] == key else each for each in RESOURCES))


@given(st.randoms(use_true_random=False))
def test_the_order_of_resources_is_no_change(shuffle: random.Random) -> None:
    mixed = list(RESOURCES)
    shuffle.shuffle(mixed)
    assert unpublished_changes(tree(*mixed), tree()) == ()


@given(st.sampled_from([str(each["id"]) for each in RESOURCES]), st.text(max_size=3))
def test_a_change_of_anything_but_images_and_submissions_is_one(key: str, value: str) -> None:
    expected = () if key.startswith((TECHNICAL, "submission")) else (key,)
    assert unpublished_changes(changed(key, note=value), tree()) == expected
    assert unpublished_changes(tree(), changed(key, note=value)) == expected


@given(st.sampled_from(range(len(RESOURCES))))
def test_a_resource_that_is_only_in_one_of_them_is_a_change(place: int) -> None:
    fewer = tree(*RESOURCES[:place], *RESOURCES[place + 1 :])
    key = str(RESOURCES[place]["id"])
    assert unpublished_changes(tree(), fewer) == (() if key.startswith((TECHNICAL, "submission")) else (key,))


def test_a_picture_that_is_signed_anew_is_no_change() -> None:
    assert unpublished_changes(changed("listing/1", url="https://pictures.example/a?sig=2"), tree()) == ()


def test_a_trailer_that_is_signed_anew_is_no_change() -> None:
    def trailer(number: int) -> Tree:
        images: list[Tree] = [{"url": f"https://pictures.example/b?sig={number}", "title": "RHEL"}]
        assets: Tree = {"en-us": {"imageList": images}}
        return {"id": "listing-trailer/1", "assets": assets}

    assert unpublished_changes(tree(trailer(1)), tree(trailer(2))) == ()


def test_images_of_the_core_kind_are_passed_over_too() -> None:
    assert unpublished_changes(tree({"id": f"core-{TECHNICAL}/1/a", "skus": []}), tree({"id": f"core-{TECHNICAL}/1/a"})) == ()


def test_a_modular_push_carries_images_of_the_core_kind() -> None:
    core: Tree = {"id": f"core-{TECHNICAL}/1/a", "plan": "plan/1/a"}
    carried = modular_resources(tree(RESOURCES[2], core), ["9-lvm"])
    assert [each["id"] for each in carried if isinstance(each, dict)] == ["plan/1/a", f"core-{TECHNICAL}/1/a"]


@pytest.mark.parametrize("result", ["failed", "pending"])
def test_a_preview_that_is_not_through_was_not_published(result: str) -> None:
    preview: Tree = {"target": {"targetType": "preview"}, "result": result}
    live: Tree = {"target": {"targetType": "live"}, "result": "succeeded"}
    submissions = [decode(each, Submission, subject="submission") for each in (preview, live)]
    assert newest_published(submissions) is TargetType.LIVE


def test_a_modular_push_carries_product_property_and_its_plans() -> None:
    carried = modular_resources(tree(), ["9-lvm"])
    assert [each["id"] for each in carried if isinstance(each, dict)] == ["product/1", "property/1", "plan/1/a", f"{TECHNICAL}/1/a"]


@pytest.mark.parametrize(
    ("there", "expected"),
    [((), None), (("draft",), None), (("draft", "live"), TargetType.LIVE), (("draft", "preview", "live"), TargetType.PREVIEW)],
)
def test_the_preview_tells_what_was_published_last(there: tuple[str, ...], expected: TargetType | None) -> None:
    submissions = [decode({"target": {"targetType": each}}, Submission, subject="submission") for each in there]
    assert newest_published(submissions) is expected
