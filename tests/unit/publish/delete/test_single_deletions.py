"""Blobs of VHDs and images of Google Cloud that go."""

from tests.unit.publish.delete.deletebench import Bench, ami, gce, vhd

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
