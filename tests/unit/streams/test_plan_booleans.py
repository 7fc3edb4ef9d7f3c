"""The enhancement's boolean: accepted and checked on read, written on demand in the form of its sample documents."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.codec import decode, to_tree
from penstock.formats.jsontext import Layout, write_json
from penstock.model.errors import InputError
from penstock.model.marketplace import Marketplace, MarketplaceFile, PurchasePlan
from penstock.model.record import Tree
from penstock.model.stream import Extensions, Stream
from penstock.streams.lint.checking import check_document
from penstock.streams.lint.findings import Level
from penstock.streams.plan_booleans import PurchasePlanField, apply_purchase_plan_field, check_purchase_plans

ARO = ("azureopenshift", "aro4")


def _image(publisher: str, offer: str, sku: str, version: str, **booleans: bool) -> dict[str, Tree]:
    return {"publisher": publisher, "offer": offer, "sku": sku, "version": version, **booleans}


def _paid(offer: str, **booleans: bool) -> dict[str, Tree]:
    skus = {"hyperVGen1": f"{offer}-gen1", "hyperVGen2": offer}
    return {generation: _image("redhat", offer, sku, "413.92.2023101700", **booleans) for generation, sku in skus.items()}


def _sample(arch: str, plans: Tree) -> dict[str, Tree]:
    url = f"https://rhcos.blob.core.windows.net/imagebucket/rhcos-418.94.202410090804-0-azure.{arch}.vhd"
    return {"azure-disk": {"release": "418.94.202410090804-0", "url": url}, "marketplace": {"azure": plans}}


SAMPLE_X86_64 = _sample(
    "x86_64",
    {
        "no-purchase-plan": {
            "hyperVGen1": _image(*ARO, "aro_418", "418.94.20250122", purchasePlan=False),
            "hyperVGen2": _image(*ARO, "418-v2", "418.94.20250122", purchasePlan=False),
        },
        "ocp": _paid("rh-ocp-worker", purchasePlan=True),
        # The sample's own mistake: the offer of OpenShift Platform Plus is rh-opp-worker.
        "opp": _paid("rh-ocp-worker", purchasePlan=True),
        "oke": _paid("rh-oke-worker", purchasePlan=True),
    },
)
SAMPLE_AARCH64 = _sample("aarch64", {"no-purchase-plan": {"hyperVGen2": _image(*ARO, "418-arm", "418.94.20250122", purchasePlan=False)}})


def _file(tree: Tree) -> MarketplaceFile:
    return decode(tree, MarketplaceFile, subject="marketplace")


def _stream_of_samples() -> Stream:
    architectures: Tree = {
        arch: {"images": {}, "rhel-coreos-extensions": sample}
        for arch, sample in {"aarch64": SAMPLE_AARCH64, "x86_64": SAMPLE_X86_64}.items()
    }
    return decode({"stream": "rhcos-4.18", "architectures": architectures}, Stream, subject="samples")


def _extensions(stream: Stream, arch: str) -> Tree:
    extensions = stream.architectures[arch].rhel_coreos_extensions
    assert isinstance(extensions, Extensions)
    return to_tree(extensions)


@pytest.mark.parametrize(("arch", "sample"), [("x86_64", SAMPLE_X86_64), ("aarch64", SAMPLE_AARCH64)])
def test_the_samples_of_the_enhancement_are_accepted_and_written_in_exactly_their_form(arch: str, sample: Tree) -> None:
    stream = _stream_of_samples()
    check_purchase_plans(stream, subject="samples")
    assert _extensions(stream, arch) == sample

    plain = apply_purchase_plan_field(stream, None)
    again = _extensions(apply_purchase_plan_field(plain, PurchasePlanField.PURCHASE_PLAN), arch)

    compact = Layout()
    assert write_json(again, compact) == write_json(sample, compact)


def test_of_the_samples_the_lint_tells_the_wrong_offer_and_beside_it_only_that_the_boolean_is_a_proposal() -> None:
    tree: Tree = {"x86_64": SAMPLE_X86_64["marketplace"], "aarch64": SAMPLE_AARCH64["marketplace"]}
    report = check_document(json.dumps(tree).encode(), subject="samples")
    places: dict[Level, list[tuple[str, str]]] = {level: [] for level in Level}
    for placed in report.findings:
        places[placed.finding.level].append((placed.finding.rule.value, placed.finding.place))
    generations = ("hyperVGen1", "hyperVGen2")
    assert places[Level.ERROR] == [
        (f"azure-{key}", f"$.x86_64.azure.opp.{generation}.{key}") for generation in generations for key in ("offer", "sku")
    ]
    assert places[Level.WARNING] == []
    assert [(rule, place.rpartition(".")[2]) for rule, place in places[Level.INFO]] == [("proposed-key", "purchasePlan")] * 9


def test_by_default_an_image_has_four_keys() -> None:
    plain = apply_purchase_plan_field(_stream_of_samples(), None)
    text = json.dumps([_extensions(plain, arch) for arch in ("x86_64", "aarch64")])
    assert "purchasePlan" not in text
    assert text.count('"version"') == 9


def test_the_boolean_stands_behind_the_version() -> None:
    file = apply_purchase_plan_field(_file({"x86_64": {"azure": {"ocp": _paid("rh-ocp-worker")}}}), PurchasePlanField.THIRD_PARTY)
    tree: Any = to_tree(file)
    image = tree["x86_64"]["azure"]["ocp"]["hyperVGen2"]
    assert list(image.items())[-2:] == [("version", "413.92.2023101700"), ("thirdParty", True)]


def test_writing_one_name_takes_the_other_away() -> None:
    entry = decode({"azure": {"ocp": _paid("rh-ocp-worker", purchasePlan=True)}}, Marketplace, subject="entry")
    tree: Any = to_tree(apply_purchase_plan_field(entry, PurchasePlanField.THIRD_PARTY))
    assert "purchasePlan" not in tree["azure"]["ocp"]["hyperVGen1"]


@pytest.mark.parametrize("name", ["purchasePlan", "thirdParty"])
@pytest.mark.parametrize(
    ("plan", "said", "wanted"), [("no-purchase-plan", True, "false"), ("ocp", False, "true"), ("oke-emea", False, "true")]
)
def test_a_boolean_that_disagrees_with_its_plan_is_refused(name: str, plan: str, said: bool, wanted: str) -> None:
    file = _file({"aarch64": {}, "x86_64": {"azure": {plan: {"hyperVGen2": _image("p", "o", "s", "1.2.3", **{name: said})}}}})
    with pytest.raises(InputError) as caught:
        check_purchase_plans(file, subject="m.json")
    assert str(caught.value) == f"m.json: x86_64 {plan} hyperVGen2: {name} is {str(said).lower()}, and the plan says {wanted}"


def test_two_booleans_that_contradict_each_other_are_refused() -> None:
    entry = decode({"azure": {"opp": _paid("rh-opp-worker", purchasePlan=True, thirdParty=False)}}, Marketplace, subject="entry")
    with pytest.raises(InputError, match=r"^m: opp hyperVGen1: thirdParty is false, and the plan says true$"):
        check_purchase_plans(entry, subject="m")


def test_a_stream_is_checked_too() -> None:
    wrong = json.loads(json.dumps(SAMPLE_AARCH64).replace("false", "true"))
    stream = decode({"stream": "s", "architectures": {"aarch64": {"rhel-coreos-extensions": wrong}}}, Stream, subject="s")
    with pytest.raises(InputError, match="aarch64 no-purchase-plan hyperVGen2: purchasePlan is true"):
        check_purchase_plans(stream, subject="s")


FIELDS = st.none() | st.sampled_from(PurchasePlanField)
BOOLEANS = st.dictionaries(st.sampled_from(["purchasePlan", "thirdParty"]), st.none() | st.booleans())
IMAGES = BOOLEANS.map(lambda booleans: {**_image("p", "o", "s", "1.2.3"), **booleans, "unknown": [1]})
GENERATIONS = st.dictionaries(st.sampled_from(["hyperVGen1", "hyperVGen2"]), st.none() | IMAGES)
PLANS = st.dictionaries(st.sampled_from([plan.value for plan in PurchasePlan]), st.none() | GENERATIONS)
ENTRIES = st.fixed_dictionaries({"azure": st.none() | PLANS, "othercloud": st.integers()})
FILES: st.SearchStrategy[MarketplaceFile] = st.dictionaries(st.sampled_from(["aarch64", "x86_64"]), ENTRIES).map(
    lambda tree: _file(json.loads(json.dumps(tree)))
)


@given(FILES, FIELDS)
def test_what_was_written_agrees_with_its_plans_and_writing_twice_is_writing_once(
    file: MarketplaceFile, field: PurchasePlanField | None
) -> None:
    once = apply_purchase_plan_field(file, field)
    check_purchase_plans(once, subject="once")
    assert to_tree(apply_purchase_plan_field(once, field)) == to_tree(once)


def _without_booleans(tree: Tree) -> Tree:
    if isinstance(tree, dict):
        return {key: _without_booleans(part) for key, part in tree.items() if key not in ("purchasePlan", "thirdParty")}
    return tree


@given(FILES, FIELDS)
def test_nothing_but_the_boolean_changes(file: MarketplaceFile, field: PurchasePlanField | None) -> None:
    written = to_tree(apply_purchase_plan_field(file, field))
    assert json.dumps(_without_booleans(written)) == json.dumps(_without_booleans(to_tree(file)))


def test_a_stream_and_its_merged_file_are_treated_alike() -> None:
    stream = _stream_of_samples()
    written = apply_purchase_plan_field(stream, PurchasePlanField.THIRD_PARTY)
    extensions = written.architectures["x86_64"].rhel_coreos_extensions
    assert isinstance(extensions, Extensions)
    entry = decode(SAMPLE_X86_64["marketplace"], Marketplace, subject="entry")
    assert extensions.marketplace == apply_purchase_plan_field(entry, PurchasePlanField.THIRD_PARTY)
    assert written.architectures["x86_64"].images == stream.architectures["x86_64"].images
