"""``pushitems.jsonl`` and ``clouds.json``."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from penstock.model.digest import Digest
from penstock.model.push.items import AmiAttributes, BillingCodes, BootMode, PushItem, SecurityGroup, VhdAttributes
from penstock.model.push.receipts import AmiReceipt
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.model.starmap import StarmapCloud, StarmapDestination, StarmapEntity, StarmapMapping, StarmapWorkflow
from penstock.publish.results import clouds_document, item_tree, pushitems_line

_FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture
def a_result(an_item: Callable[..., PushItem], content_digest: Digest) -> PushResult:
    """A pushed image with all that results print."""
    item = an_item(
        sha256=Digest.of(b"test"),
        origin="/stage/starmap/CLOUD_IMAGES/rhel",
        dest=("us-east-1-hourly",),
        description="RHEL for the cloud",
        boot_mode=BootMode.HYBRID,
        attributes=AmiAttributes(
            type="hourly",
            region="us-east-1",
            virtualization="hvm",
            volume="gp3",
            billing_codes=BillingCodes("Hourly2", ("bp-1",)),
            security_groups=(SecurityGroup(22, "tcp", ("0.0.0.0/0",), 22),),
        ),
    )
    receipt = AmiReceipt(
        account="aws-us-storage", region="us-east-1", image_id="ami-1", snapshot_id="snap-1", name="RHEL-9.4", content=content_digest
    )
    return PushResult(
        order=(0, 0),
        item=item,
        filename="RHEL-9.4_HVM_GA-20260511-x86_64-1-Hourly2-GP3",
        state=ItemState.PUSHED,
        cloud="aws",
        account="aws-us-storage",
        receipts=(receipt,),
    )


def test_a_line_is_byte_for_byte_what_pushcollector_writes(a_result: PushResult) -> None:
    assert pushitems_line(a_result) == (_FIXTURES / "pushitems.jsonl").read_bytes()


def test_the_clouds_document_is_byte_for_byte_what_upstream_attaches_but_for_the_boot_mode(a_result: PushResult) -> None:
    assert clouds_document([a_result]) + b"\n" == (_FIXTURES / "clouds.json").read_bytes()


def test_an_item_without_digests_has_null_for_checksums(a_result: PushResult) -> None:
    line = json.loads(pushitems_line(replace(a_result, item=replace(a_result.item, sha256=None))))
    assert line["checksums"] is None


def test_the_checksums_are_those_of_the_schema_with_nothing_that_is_not_known(a_result: PushResult) -> None:
    md5 = "098f6bcd4621d373cade4e832627b4f6"
    line = json.loads(pushitems_line(replace(a_result, item=replace(a_result.item, sha256=None, md5=md5))))
    assert line["checksums"] == {"md5": md5}


def test_names_with_characters_of_other_scripts_are_ascii_on_disk(a_result: PushResult) -> None:
    assert b"\\u2026" in pushitems_line(replace(a_result, filename="…"))


def test_the_boot_mode_is_its_word_where_upstream_writes_null(a_result: PushResult) -> None:
    assert json.loads(clouds_document([a_result]))[0]["boot_mode"] == "hybrid"


def test_a_failed_result_has_no_image(a_result: PushResult) -> None:
    failed = replace(a_result, receipts=(), state=ItemState.UPLOADFAILED)
    entry = json.loads(clouds_document([failed]))[0]
    assert (entry["state"], "image_id" in entry) == ("UPLOADFAILED", False)


def test_no_entry_says_null_at_its_top(a_result: PushResult) -> None:
    assert None not in json.loads(clouds_document([a_result]))[0].values()


def test_the_document_of_no_results_is_an_empty_list() -> None:
    assert clouds_document([]) == b"[]"


def test_the_attributes_of_a_vhd_stand_at_the_top_too(an_item: Callable[..., PushItem]) -> None:
    item = an_item(attributes=VhdAttributes(generation="V2", recommended_sizes=("Standard_B1s",)))
    tree: dict[str, Any] = json.loads(json.dumps(item_tree(item, name="disk.vhd", state="PENDING", image_id="")))
    assert (tree["generation"], tree["recommended_sizes"]) == ("V2", ["Standard_B1s"])


def test_a_signature_is_in_no_result(an_item: Callable[..., PushItem], a_result: PushResult) -> None:
    """Upstream writes the whole address, with which everybody can read the disk for three years."""
    signed = "https://storage.blob.core.windows.net/pubupload/rhel.vhd?se=2028-08-05&sp=r&sv=2023-08-03&sr=b&sig=hunter2"
    document = clouds_document([replace(a_result, item=an_item(attributes=VhdAttributes(sas_uri=signed)), receipts=())])
    assert b"sig" not in document.replace(b"signing_key", b"")
    assert json.loads(document)[0]["sas_uri"] == "https://storage.blob.core.windows.net/pubupload/rhel.vhd"


def test_a_result_of_no_cloud_claims_none(a_result: PushResult) -> None:
    assert "cloud_info" not in json.loads(clouds_document([replace(a_result, cloud="", account="azure-na or azure-emea")]))[0]


def test_a_marketplace_result_has_its_mapping_as_upstream_writes_it(a_result: PushResult) -> None:
    """The keys and values of starmap-client's models, as lists of pub have them."""
    entity = StarmapEntity(
        name="rhel-azure",
        cloud=StarmapCloud.AZURE,
        workflow=StarmapWorkflow.STRATOSPHERE,
        meta={"generation": "V2"},
        mappings={
            "azure-na": StarmapMapping(
                meta={"support_legacy": False},
                destinations=[
                    StarmapDestination(
                        destination="rhel/9_6",
                        overwrite=False,
                        restrict_version=False,
                        architecture="x86_64",
                        provider="never read",
                        vhd_check_base_sas_only=True,
                        meta={"support_legacy": True},
                    )
                ],
            )
        },
    )
    assert json.loads(clouds_document([replace(a_result, starmap_query=entity)]))[0]["starmap_query"] == {
        "billing_code_config": {},
        "cloud": "azure",
        "mappings": {
            "azure-na": {
                "destinations": [
                    {
                        "ami_version_template": None,
                        "architecture": "x86_64",
                        "destination": "rhel/9_6",
                        "id": None,
                        "meta": {"generation": "V2", "support_legacy": True},
                        "overwrite": False,
                        "provider": None,
                        "restrict_major": None,
                        "restrict_minor": None,
                        "restrict_version": False,
                        "tags": None,
                        "vhd_check_base_sas_only": True,
                    }
                ],
                "meta": {"support_legacy": False},
                "provider": None,
            }
        },
        "meta": {"generation": "V2"},
        "name": "rhel-azure",
        "workflow": "stratosphere",
    }


def test_a_signature_in_a_mapping_is_in_no_result(a_result: PushResult) -> None:
    signed = "https://pictures.blob.example/disks/rhel.vhd?sv=2021-12-02&sig=sesame"
    entity = StarmapEntity(
        name="rhel",
        cloud=StarmapCloud.AZURE,
        workflow=StarmapWorkflow.STRATOSPHERE,
        meta={"sas_uri": signed},
        mappings={
            "azure-na": StarmapMapping(
                meta={"sas_uri": signed},
                destinations=[StarmapDestination(destination="rhel/9", overwrite=False, restrict_version=False, meta={"sas_uri": signed})],
            )
        },
    )
    written = clouds_document([replace(a_result, starmap_query=entity)])
    assert b"sesame" not in written
    assert written.count(b"https://pictures.blob.example/disks/rhel.vhd") == 3
