"""Blobs of VHDs and images of Google Cloud that go."""

from dataclasses import replace

import pytest
from tests.unit.publish.delete.deletebench import Bench, ami, gce, vhd

from penstock.model.errors import TransientError
from penstock.model.push.blobs import BlobName
from penstock.model.push.states import ItemState

BLOB = BlobName("pubupload", "rhel.vhd")


def test_a_vhd_is_a_blob_under_the_name_of_its_file_without_its_compression(bench: Bench) -> None:
    bench.na_blobs.names.add(BLOB)
    [result] = bench.delete(vhd("/koji/rhel.vhd.xz"))
    assert (result.state, result.account, result.cloud, bench.na_blobs.names) == (ItemState.DELETED, "azure-na", "azure", set())


def test_a_vhd_of_which_nobody_says_the_account_is_looked_for_in_both(bench: Bench) -> None:
    bench.emea_blobs.names.add(BLOB)
    [result] = bench.delete(vhd(account=None))
    assert (result.state, result.account, bench.emea_blobs.names) == (ItemState.DELETED, "azure-emea", set())


def test_a_vhd_goes_from_the_account_that_the_list_names_and_from_no_other(bench: Bench) -> None:
    """Upstream's list reader drops the account, so images of galleries were not found."""
    bench.credentials = ("azure-na", "azure-emea", "azure-us-storage")
    for blobs in (bench.na_blobs, bench.emea_blobs, bench.gallery_blobs):
        blobs.names.add(BLOB)
    [result] = bench.delete(vhd(account="azure-us-storage"))
    assert (result.state, result.account) == (ItemState.DELETED, "azure-us-storage")
    assert (bench.gallery_blobs.names, bench.na_blobs.names, bench.emea_blobs.names) == (set(), {BLOB}, {BLOB})


@pytest.mark.parametrize("credentials", [("azure-na",), ("azure-emea",), ()])
def test_a_vhd_is_not_missing_where_an_account_could_not_be_asked_for_want_of_credentials(
    bench: Bench, credentials: tuple[str, ...]
) -> None:
    bench.credentials = credentials
    [result] = bench.delete(vhd(account=None))
    assert (result.state, result.good, result.transient) == (ItemState.PUSHED, False, False)
    assert "no credentials for this account" in result.reason


def test_a_vhd_is_not_missing_where_an_account_could_not_be_reached(bench: Bench) -> None:
    bench.emea_blobs.refused = TransientError("there is no connection")
    [result] = bench.delete(vhd(account=None))
    assert (result.state, result.good, result.transient, result.reason) == (ItemState.PUSHED, False, True, "there is no connection")


@pytest.mark.parametrize("reached", [True, False])
def test_an_account_that_could_not_be_asked_does_not_matter_where_another_had_the_vhd(bench: Bench, reached: bool) -> None:
    bench.emea_blobs.names.add(BLOB)
    if reached:
        bench.credentials = ("azure-emea",)
    else:
        bench.na_blobs.refused = TransientError("there is no connection")
    [result] = bench.delete(vhd(account=None))
    assert (result.state, result.good, result.account) == (ItemState.DELETED, True, "azure-emea")


def test_a_vhd_that_is_in_neither_account_is_missing_and_no_account_is_claimed(bench: Bench) -> None:
    [result] = bench.delete(vhd(account=None))
    assert (result.state, result.cloud, result.account) == (ItemState.MISSING, "", "azure-na or azure-emea")


def test_the_container_is_the_one_of_the_environment(bench: Bench) -> None:
    bench.na_blobs.names.update({BLOB, BlobName("uploads", "rhel.vhd")})
    bench.delete(vhd(), container="uploads")
    assert bench.na_blobs.names == {BLOB}


def test_a_limit_names_a_vhd_by_its_name(bench: Bench) -> None:
    bench.na_blobs.names.update({BLOB, BlobName("pubupload", "other.vhd")})
    results = bench.delete(vhd(), vhd("/koji/other.vhd.xz"), limit=frozenset({"rhel.vhd.xz"}))
    assert [each.state for each in results] == [ItemState.DELETED]
    assert bench.na_blobs.names == {BlobName("pubupload", "other.vhd")}


def test_an_image_of_google_cloud_goes_when_the_operation_is_over(bench: Bench) -> None:
    bench.projects.names.add("rhel-9-4")
    bench.projects.looks = 3
    [result] = bench.delete(gce("rhel-9-4"))
    assert (result.state, bench.projects.names, bench.waited.total_s) == (ItemState.DELETED, set(), 6.0)


def test_an_image_of_google_cloud_goes_from_the_project_of_its_destination(bench: Bench) -> None:
    bench.projects.names.add("rhel-9-4")
    [result] = bench.delete(replace(gce("rhel-9-4"), dest=("community-images/rhel-9",)))
    assert (result.state, bench.projects.looked) == (ItemState.DELETED, ["community-images"])


def test_an_image_of_google_cloud_of_which_no_project_is_said_is_looked_for_in_that_of_the_credentials(bench: Bench) -> None:
    [result] = bench.delete(replace(gce("rhel-9-4"), dest=()))
    assert (result.state, bench.projects.looked) == (ItemState.MISSING, ["project"])


def test_an_upload_to_google_cloud_that_failed_names_no_image(bench: Bench) -> None:
    [result] = bench.delete(replace(gce("rhel.tar.gz"), state=ItemState.UPLOADFAILED))
    assert (result.state, result.good, bench.projects.looked) == (ItemState.UPLOADFAILED, False, [])


def test_an_operation_that_fails_leaves_the_image_as_it_was(bench: Bench) -> None:
    bench.projects.names.add("rhel-9-4")
    bench.projects.error = "resourceInUseByAnotherResource"
    [result] = bench.delete(gce("rhel-9-4"))
    assert (result.state, result.good) == (ItemState.PUSHED, False)
    assert "resourceInUse" in result.reason


def test_a_file_that_was_never_pushed_to_google_cloud_names_no_image(bench: Bench) -> None:
    [result] = bench.delete(gce("rhel.tar.gz", account=None))
    assert result.good is False


def test_the_clouds_of_one_list_are_deleted_in_one_run(bench: Bench) -> None:
    bench.image("ami-1", "snap-1")
    bench.na_blobs.names.add(BLOB)
    bench.projects.names.add("rhel-9-4")
    results = bench.delete(ami("ami-1"), vhd(), gce("rhel-9-4"))
    assert [(each.cloud, each.state.value) for each in results] == [("aws", "DELETED"), ("azure", "DELETED"), ("gcp", "DELETED")]
