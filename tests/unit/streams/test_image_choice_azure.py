"""The boot image on Azure: every case of the installer, with its messages."""

import json
from typing import Any

import pytest

from penstock.formats.stream import parse_stream
from penstock.model.arch import Arch
from penstock.model.errors import InputError, NotFoundError
from penstock.model.marketplace import Generation, PurchasePlan
from penstock.model.stream import Stream
from penstock.streams.choice.answer import ChoiceRule, ImageAnswer, ImageForm
from penstock.streams.choice.choosing import choose_image
from penstock.streams.choice.request import ImageRequest, NamedImage, OwnImage

URL = "https://rhcos.blob.core.windows.net/imagebucket/rhcos-9.8.20260428-0-azure.x86_64.vhd"
DISK = {"release": "9.8.20260428-0", "url": URL}


def image(publisher: str, offer: str, sku: str) -> dict[str, str]:
    return {"publisher": publisher, "offer": offer, "sku": sku, "version": "9.8.20260428"}


UNPAID = {"hyperVGen1": image("azureopenshift", "aro4", "aro_422"), "hyperVGen2": image("azureopenshift", "aro4", "aro_422-v2")}
GEN2_ONLY = {"hyperVGen2": image("azureopenshift", "aro4", "aro_5-0_x64_gen2")}
PAID = {
    "hyperVGen1": image("redhat", "rh-ocp-worker", "rh-ocp-worker-gen1"),
    "hyperVGen2": image("redhat", "rh-ocp-worker", "rh-ocp-worker"),
}
FULL = {"no-purchase-plan": UNPAID, "ocp": PAID}


def stream(extensions: dict[str, Any] | None, images: dict[str, Any] | None = None) -> Stream:
    entry: dict[str, Any] = {"images": images or {}}
    if extensions is not None:
        entry["rhel-coreos-extensions"] = extensions
    return parse_stream(json.dumps({"stream": "rhcos-4.21", "architectures": {"x86_64": entry}}).encode(), subject="s")


def with_marketplace(azure: dict[str, Any], disk: dict[str, str] | None = DISK) -> Stream:
    return stream(({"azure-disk": disk} if disk is not None else {}) | {"marketplace": {"azure": azure}})


def choose(document: Stream, **wishes: Any) -> ImageAnswer:  # noqa: ANN401
    return choose_image(document, ImageRequest("azure", Arch.X86_64, **wishes))


def test_the_unpaid_gen2_image_is_the_default() -> None:
    answer = choose(with_marketplace(FULL))
    assert (answer.image, answer.form, answer.rule) == (
        "azureopenshift:aro4:aro_422-v2:9.8.20260428",
        ImageForm.URN,
        ChoiceRule.DEFAULT_MARKETPLACE,
    )
    assert answer.warnings == ()


@pytest.mark.parametrize(
    ("capabilities", "sku"), [(("V1", "V2"), "aro_422-v2"), (("V2",), "aro_422-v2"), (("V1",), "aro_422"), ((" v1",), "aro_422")]
)
def test_the_highest_generation_of_the_instance_type_counts(capabilities: tuple[str, ...], sku: str) -> None:
    assert choose(with_marketplace(FULL), instance_generations=capabilities).image.split(":")[2] == sku


@pytest.mark.parametrize("capabilities", [(), ("",), ("V3",)])
def test_an_instance_type_without_the_capability_is_an_error(capabilities: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="failed to get hyperVGeneration"):
        choose(with_marketplace(FULL), instance_generations=capabilities)


def test_a_generation_that_the_instance_type_lacks_is_refused() -> None:
    with pytest.raises(InputError, match="supports V1, not V2"):
        choose(with_marketplace(FULL), generation=Generation.GEN2, instance_generations=("V1",))


@pytest.mark.parametrize("wishes", [{"instance_generations": ("V1",)}, {"generation": Generation.GEN1}])
@pytest.mark.parametrize("plan", [None, PurchasePlan.NO_PURCHASE_PLAN])
def test_a_gen1_machine_without_a_gen1_image_is_told_in_the_installer_s_words(wishes: dict[str, Any], plan: PurchasePlan | None) -> None:
    with pytest.raises(NotFoundError) as caught:
        choose(with_marketplace({"no-purchase-plan": GEN2_ONLY}), plan=plan, **wishes)
    assert str(caught.value) == "a HyperVGeneration 1 instance was selected but no Gen1 marketplace image is available"


def test_a_gen2_sku_that_does_not_say_v2_is_gen2() -> None:
    answer = choose(with_marketplace({"no-purchase-plan": GEN2_ONLY}))
    assert (answer.azure and answer.azure.sku, answer.generation) == ("aro_5-0_x64_gen2", Generation.GEN2)


@pytest.mark.parametrize(
    "azure",
    [{}, {"no-purchase-plan": {}}, {"no-purchase-plan": None}, {"ocp": PAID}, {"no-purchase-plan": {"hyperVGen1": UNPAID["hyperVGen1"]}}],
)
def test_without_a_default_gen2_image_the_disk_is_used_with_a_warning(azure: dict[str, Any]) -> None:
    answer = choose(with_marketplace(azure))
    assert (answer.image, answer.rule, answer.release) == (URL, ChoiceRule.VHD, "9.8.20260428-0")
    assert answer.warnings == ("rhcos-4.21/x86_64: No default Azure marketplace image was found in stream",)


@pytest.mark.parametrize(
    "extensions", [{"azure-disk": DISK}, {"azure-disk": DISK, "marketplace": {}}, {"azure-disk": DISK, "marketplace": None}]
)
def test_a_stream_without_a_marketplace_is_no_crash(extensions: dict[str, Any]) -> None:
    assert choose(stream(extensions)).image == URL


def test_a_stream_without_extensions_is_told() -> None:
    with pytest.raises(NotFoundError, match=r"^rhcos-4\.21/x86_64: No extensions found in stream$"):
        choose(stream(None))


@pytest.mark.parametrize("disk", [None, {}])
def test_the_disk_must_be_there_also_beside_a_marketplace_image(disk: dict[str, str] | None) -> None:
    with pytest.raises(NotFoundError, match=r"^rhcos-4\.21/x86_64: No azure build found$"):
        choose(with_marketplace(FULL, disk))


def test_confidential_machines_boot_the_disk() -> None:
    answer = choose(with_marketplace(FULL), confidential=True)
    assert (answer.image, answer.rule) == (URL, ChoiceRule.CONFIDENTIAL)
    with pytest.raises(InputError, match="do not support confidential"):
        choose(with_marketplace(FULL), confidential=True, plan=PurchasePlan.OCP)


@pytest.mark.parametrize(("generation", "sku"), [(None, "rh-ocp-worker"), (Generation.GEN1, "rh-ocp-worker-gen1")])
def test_a_paid_plan_gives_its_urn_and_tells_of_its_terms(generation: Generation | None, sku: str) -> None:
    answer = choose(with_marketplace(FULL), plan=PurchasePlan.OCP, generation=generation)
    assert (answer.image, answer.rule, answer.plan) == (
        f"redhat:rh-ocp-worker:{sku}:9.8.20260428",
        ChoiceRule.MARKETPLACE,
        PurchasePlan.OCP,
    )
    assert "accept the terms" in answer.warnings[0]


def test_a_marketplace_image_that_was_asked_for_has_no_substitute() -> None:
    with pytest.raises(NotFoundError, match="No Azure marketplace image of opp for Gen2") as caught:
        choose(with_marketplace(FULL), plan=PurchasePlan.OPP)
    assert "ocp Gen2" in caught.value.hint
    with pytest.raises(NotFoundError, match="No Azure marketplace image of no-purchase-plan"):
        choose(stream({"azure-disk": DISK}), plan=PurchasePlan.NO_PURCHASE_PLAN)


def test_a_stack_hub_needs_the_user_s_image() -> None:
    with pytest.raises(InputError, match="Azure Stack Hub"):
        choose(with_marketplace(FULL), stack_hub=True)
    own = NamedImage("https://example.com/a.vhd", OwnImage.CLUSTER)
    assert choose(with_marketplace(FULL), stack_hub=True, own=own).image == own.image


@pytest.mark.parametrize(
    ("shared", "name"),
    [
        ("/CommunityGalleries/okd-1/Images/scos/Versions/latest", "/CommunityGalleries/okd-1/Images/scos/Versions/latest"),
        (
            {"release": "10.0.1", "gallery": "okd-1", "image": "scos", "version": "1.2.3"},
            "/CommunityGalleries/okd-1/Images/scos/Versions/1.2.3",
        ),
    ],
)
def test_okd_boots_from_its_community_gallery(shared: object, name: str) -> None:
    answer = choose(stream(None, {"azure-community": shared}))
    assert (answer.image, answer.rule) == (name, ChoiceRule.COMMUNITY_GALLERY)
    full = {"azure-disk": DISK, "marketplace": {"azure": FULL}}
    assert choose(stream(full, {"azure-community": shared})).rule is ChoiceRule.DEFAULT_MARKETPLACE


def test_an_unknown_architecture_is_told_in_the_library_s_words() -> None:
    with pytest.raises(NotFoundError, match=r"^stream:rhcos-4\.21 does not have architecture 's390x'$"):
        choose_image(with_marketplace(FULL), ImageRequest("azure", Arch.S390X))
