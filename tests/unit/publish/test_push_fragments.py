"""The part of a stream that a push gives: what goes where, what is left out, and why."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.codec import encode_json, to_tree
from penstock.formats.stream import parse_stream
from penstock.model.digest import Digest
from penstock.model.push.items import AmiAttributes, BuildInfo, PushItem, ReleaseInfo
from penstock.model.push.receipts import AmiReceipt, AzureOfferReceipt, GalleryReceipt, GcpReceipt, Receipt
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.publish.fragments import Fragment, fragment_of_push

CONTENT = Digest.of(b"a disk")


def a_result(receipt: Receipt, *, order: int = 0, arch: str = "x86_64", build: str = "9.6.20250826") -> PushResult:
    """A result with one receipt."""
    item = PushItem(
        name="rhcos.raw.xz",
        src="/stage/rhcos.raw.xz",
        build=BuildInfo("rhcos", build, "1"),
        release=ReleaseInfo("rhcos", date(2026, 5, 11), arch),
        attributes=AmiAttributes(),
    )
    return PushResult(
        order=(order, 0), item=item, filename="rhcos", state=ItemState.PUSHED, cloud="aws", account=receipt.account, receipts=(receipt,)
    )


def an_ami(image_id: str, region: str, *, kind: str = "hourly", public: bool = False, product: str = "") -> AmiReceipt:
    return AmiReceipt(
        account="aws-us-storage",
        region=region,
        image_id=image_id,
        snapshot_id=image_id.replace("ami", "snap"),
        name=f"rhcos-{kind}",
        content=CONTENT,
        type=kind,
        public=public,
        product=product,
    )


def an_offer(*skus: str, publisher: str = "redhat", offer: str = "rh-ocp-worker", live: bool = True) -> AzureOfferReceipt:
    return AzureOfferReceipt(
        account="azure-na",
        offer=offer,
        plan="rh-ocp-worker",
        version="9.6.20250826",
        skus=skus,
        content=CONTENT,
        blob="https://storage.example/vhds/rhcos.vhd",
        publisher=publisher,
        live=live,
    )


def a_gallery(community_name: str = "") -> GalleryReceipt:
    return GalleryReceipt(
        account="azure-us-storage",
        resource_id="/subscriptions/0/resourceGroups/g/providers/Microsoft.Compute/galleries/okd/images/scos/versions/10.0.20250628",
        gallery="okd",
        image="scos",
        version="10.0.20250628",
        regions=("eastus",),
        content=CONTENT,
        community_name=community_name,
    )


def images_of(fragment: Fragment, arch: str = "x86_64") -> Any:  # noqa: ANN401  # plain data
    tree: Any = to_tree(fragment.stream)
    return tree["architectures"][arch]["images"]


def azure_of(fragment: Fragment, arch: str = "x86_64") -> Any:  # noqa: ANN401  # plain data
    tree: Any = to_tree(fragment.stream)
    return tree["architectures"][arch]["rhel-coreos-extensions"]["marketplace"]["azure"]


def test_a_fragment_is_a_stream_document_of_the_regions() -> None:
    results = [
        a_result(an_ami("ami-2", "us-east-1")),
        a_result(an_ami("ami-1", "eu-west-1"), order=1),
        a_result(an_ami("ami-3", "us-east-1"), order=2, arch="arm64"),
    ]
    fragment = fragment_of_push(results, stream="rhcos-4.20").stream
    assert (
        encode_json(fragment)
        == b"""\
{
  "stream": "rhcos-4.20",
  "architectures": {
    "aarch64": {
      "images": {
        "aws": {
          "regions": {
            "us-east-1": {
              "release": "9.6.20250826-1",
              "image": "ami-3"
            }
          }
        }
      }
    },
    "x86_64": {
      "images": {
        "aws": {
          "regions": {
            "eu-west-1": {
              "release": "9.6.20250826-1",
              "image": "ami-1"
            },
            "us-east-1": {
              "release": "9.6.20250826-1",
              "image": "ami-2"
            }
          }
        }
      }
    }
  }
}
"""
    )
    assert parse_stream(encode_json(fragment), subject="fragment.json") == fragment


@pytest.mark.parametrize(
    ("candidates", "chosen"),
    [
        ([("ami-1", "access", True), ("ami-2", "hourly", False)], "ami-1"),
        ([("ami-1", "access", False), ("ami-2", "hourly", False)], "ami-2"),
        ([("ami-1", "marketplace", False), ("ami-2", "access", False)], "ami-2"),
        ([("ami-2", "hourly", True), ("ami-1", "hourly", True)], "ami-2"),
    ],
)
def test_of_several_images_of_a_region_one_is_chosen_by_rule(candidates: list[tuple[str, str, bool]], chosen: str) -> None:
    results = [
        a_result(an_ami(image, "us-east-1", kind=kind, public=public), order=order)
        for order, (image, kind, public) in enumerate(candidates)
    ]
    for given_ones in (results, results[::-1]):
        made = fragment_of_push(given_ones, stream="s")
        assert images_of(made)["aws"]["regions"]["us-east-1"]["image"] == chosen
        other = next(each.key for result in results for each in result.receipts if each.key != chosen)
        assert (made.doubles, made.left_out) == ((f"{other}: {chosen} has its place, aws us-east-1 x86_64",), ())


def test_images_that_were_not_pushed_are_in_no_stream() -> None:
    results = [a_result(an_ami("ami-1", "us-east-1")).become(ItemState.NOTPUSHED, "RHSM")]
    assert fragment_of_push(results, stream="s").stream.architectures == {}


def test_an_image_of_google_cloud_stands_with_its_project_family_and_name() -> None:
    receipt = GcpReceipt(account="gcp-storage", project="rhcos-cloud", name="rhcos-9-6", content=CONTENT, family="rhcos", public=True)
    made = fragment_of_push([a_result(receipt)], stream="s")
    assert images_of(made) == {"gcp": {"release": "9.6.20250826-1", "project": "rhcos-cloud", "family": "rhcos", "name": "rhcos-9-6"}}
    assert [edge.why for edge in made.edges(("stream", "s"))] == ["gcp x86_64"]


def test_an_image_without_a_family_has_no_key_for_one() -> None:
    receipt = GcpReceipt(account="gcp-storage", project="p", name="n", content=CONTENT)
    assert images_of(fragment_of_push([a_result(receipt)], stream="s"))["gcp"] == {"release": "9.6.20250826-1", "project": "p", "name": "n"}


@pytest.mark.parametrize(
    ("skus", "generations"),
    [
        (("rh-ocp-worker", "rh-ocp-worker-gen1"), {"hyperVGen1": "rh-ocp-worker-gen1", "hyperVGen2": "rh-ocp-worker"}),
        (("rhcos", "rhcos-gen2"), {"hyperVGen1": "rhcos", "hyperVGen2": "rhcos-gen2"}),
        (("rh-ocp-worker",), {"hyperVGen2": "rh-ocp-worker"}),
        (("rhcos", "rhcos-gen2", "rhcos-arm64"), {"hyperVGen1": "rhcos", "hyperVGen2": "rhcos-gen2"}),
    ],
)
def test_a_marketplace_image_stands_under_its_plan_and_generation(skus: tuple[str, ...], generations: dict[str, str]) -> None:
    made = azure_of(fragment_of_push([a_result(an_offer(*skus))], stream="s"))
    assert {name: image["sku"] for name, image in made["ocp"].items()} == generations
    assert made["ocp"]["hyperVGen2"] == {
        "publisher": "redhat",
        "offer": "rh-ocp-worker",
        "sku": generations["hyperVGen2"],
        "version": "9.6.20250826",
    }


@pytest.mark.parametrize("skus", [("rhcos", "rhcos-gen2", "rhcos-arm64"), ("rhcos-arm64",)])
def test_machines_of_arm_have_the_series_that_says_so(skus: tuple[str, ...]) -> None:
    made = azure_of(fragment_of_push([a_result(an_offer(*skus), arch="aarch64")], stream="s"), "aarch64")
    assert {name: image["sku"] for name, image in made["ocp"].items()} == {"hyperVGen2": "rhcos-arm64"}


@pytest.mark.parametrize(
    ("sku", "arch", "generation"),
    [
        ("aro_422", "x86_64", "hyperVGen1"),
        ("aro_422-v2", "x86_64", "hyperVGen2"),
        ("aro_422-arm", "aarch64", "hyperVGen2"),
        ("aro_5-0_x64_gen2", "x86_64", "hyperVGen2"),
        ("aro_5-0_arm_gen2", "aarch64", "hyperVGen2"),
    ],
)
def test_the_series_of_aro_stand_without_a_purchase_plan(sku: str, arch: str, generation: str) -> None:
    receipt = an_offer(sku, publisher="azureopenshift", offer="aro4")
    assert list(azure_of(fragment_of_push([a_result(receipt, arch=arch)], stream="s"), arch)["no-purchase-plan"]) == [generation]


@pytest.mark.parametrize(
    ("receipt", "why"),
    [
        (an_offer("rhel-gen2", offer="rh-rhel"), "no place for the offer redhat:rh-rhel"),
        (an_offer("rh-ocp-worker", publisher=""), "publisher is not known"),
        (an_offer("rh-ocp-worker", live=False), "not live"),
        (an_offer("rhcos-arm64"), "none of its SKUs is for x86_64"),
        (an_ami("ami-1", "us-east-1", product="59ead7de"), "product of AWS Marketplace"),
        (a_gallery(), "not shared with the community"),
        (a_gallery("/CommunityGalleries/okd-1/Images/scos/Versions/10.0.20250628"), "--proposed"),
    ],
)
def test_what_a_stream_has_no_place_for_is_told(receipt: Receipt, why: str) -> None:
    made = fragment_of_push([a_result(receipt)], stream="s")
    assert made.stream.architectures == {}
    assert len(made.left_out) == 1
    assert made.left_out[0].startswith(receipt.key)
    assert why in made.left_out[0]


def test_a_community_gallery_stands_in_the_proposed_place_where_that_is_asked_for() -> None:
    receipt = a_gallery("/CommunityGalleries/okd-1/Images/scos/Versions/10.0.20250628")
    made = fragment_of_push([a_result(receipt)], stream="s", proposed=True)
    assert images_of(made) == {
        "azure-community": {"release": "9.6.20250826-1", "gallery": "okd-1", "image": "scos", "version": "10.0.20250628"}
    }
    assert parse_stream(encode_json(made.stream), subject="s") == made.stream


def test_two_builds_are_not_mixed_in_one_cloud_of_an_architecture() -> None:
    results = [a_result(an_ami("ami-1", "us-east-1")), a_result(an_ami("ami-2", "eu-west-1"), order=1, build="9.6.20250901")]
    made = fragment_of_push(results, stream="s")
    assert list(images_of(made)["aws"]["regions"]) == ["us-east-1"]
    assert made.left_out == ("ami-2: it is of build 9.6.20250901-1, and aws x86_64 is of 9.6.20250826-1 here",)


RECEIPTS: Callable[..., st.SearchStrategy[Receipt]] = st.one_of
ANY = RECEIPTS(
    st.builds(
        an_ami,
        st.sampled_from(["ami-1", "ami-2", "ami-3"]),
        st.sampled_from(["us-east-1", "eu-west-1"]),
        kind=st.sampled_from(["hourly", "access"]),
        public=st.booleans(),
        product=st.sampled_from(["", "p"]),
    ),
    st.builds(
        lambda skus, live: an_offer(*skus, live=live), st.sets(st.sampled_from(["x", "x-gen1", "x-arm64"]), min_size=1), st.booleans()
    ),
    st.builds(lambda name: GcpReceipt(account="gcp-storage", project="p", name=name, content=CONTENT), st.sampled_from("nm")),
    st.just(a_gallery()),
)
PUSHES = st.lists(st.tuples(ANY, st.sampled_from(["x86_64", "aarch64"]), st.sampled_from(["1", "2"])), max_size=6)


def results_of(pushed: Sequence[tuple[Receipt, str, str]]) -> list[PushResult]:
    return [a_result(receipt, order=order, arch=arch, build=build) for order, (receipt, arch, build) in enumerate(pushed)]


@given(PUSHES)
def test_every_image_of_a_push_is_in_the_fragment_or_told(pushed: Sequence[tuple[Receipt, str, str]]) -> None:
    made = fragment_of_push(results_of(pushed), stream="s", proposed=True)
    told = {line.split(": ")[0] for line in (*made.left_out, *made.doubles)}
    assert {receipt.key for receipt, _, _ in pushed} == set(made.images.values()) | told


@given(PUSHES)
def test_no_cloud_of_an_architecture_has_two_builds(pushed: Sequence[tuple[Receipt, str, str]]) -> None:
    for arch in fragment_of_push(results_of(pushed), stream="s").stream.architectures.values():
        tree: Any = to_tree(arch)
        assert len({entry["release"] for entry in tree.get("images", {}).get("aws", {"regions": {}})["regions"].values()}) <= 1


@given(PUSHES, st.randoms(use_true_random=False))
def test_the_order_of_results_does_not_matter(pushed: Sequence[tuple[Receipt, str, str]], random: Any) -> None:  # noqa: ANN401
    results = results_of(pushed)
    shuffled = random.sample(results, len(results))
    assert fragment_of_push(shuffled, stream="s") == fragment_of_push(results, stream="s")
