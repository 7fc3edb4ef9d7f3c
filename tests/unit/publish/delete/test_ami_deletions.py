"""AMIs that go, and their snapshots with them."""

import pytest
from tests.unit.publish.delete.deletebench import BUILD, Bench, ami, of_build
from tests.unit.publish.delete.fakeremoval import refusal

from penstock.model.errors import TransientError
from penstock.model.push.states import ItemState
from penstock.publish.delete.amisteps import INVISIBLE
from penstock.publish.delete.fates import skipped_results


def test_an_image_goes_with_its_snapshot_and_is_hidden_before(bench: Bench) -> None:
    bench.image("ami-1", "snap-1")
    [result] = bench.delete(ami("ami-1"))
    assert (result.state, result.reason, result.good) == (ItemState.DELETED, "", True)
    assert (bench.images, bench.snapshots) == (set(), set())
    hidden = bench.cloud.rhsm_images["ami-1"]
    assert (hidden.status, hidden.product) == (INVISIBLE, "RHEL_HOURLY")
    names = list(bench.cloud.calls)
    assert names.index("hide_image") < names.index("deregister_image") < names.index("delete_snapshot")


def test_cloud_info_names_the_cloud_and_rhsm_is_told_its_own_name_of_the_provider(bench: Bench) -> None:
    """Upstream asks RHSM for a product of the provider ``aws``, finds none, and hides nothing."""
    bench.image("ami-1")
    bench.delete(ami("ami-1", marketplace_entity_type=None))
    assert bench.cloud.rhsm_images["ami-1"].status == INVISIBLE


def test_what_is_gone_is_missing_and_fails_nothing(bench: Bench) -> None:
    [result] = bench.delete(ami("ami-1"))
    assert (result.state, result.good, bench.cloud.calls["deregister_image"]) == (ItemState.MISSING, True, 0)


def test_deleting_again_finds_nothing(bench: Bench) -> None:
    bench.image("ami-1", "snap-1")
    bench.delete(ami("ami-1"))
    [again] = bench.delete(ami("ami-1"))
    assert again.state is ItemState.MISSING


def test_an_image_of_another_build_stays_as_it_is(bench: Bench) -> None:
    bench.image("ami-1", "snap-1")
    [result] = bench.delete(of_build(ami("ami-1"), "other"))
    assert (result.state, result.good, result.account) == (ItemState.PUSHED, True, "aws-us-storage")
    assert bench.images == {"ami-1"}
    assert not bench.cloud.calls, "nothing is even asked about it"


def test_outside_of_the_limit_nothing_is_looked_at(bench: Bench) -> None:
    bench.image("ami-1")
    bench.image("ami-2")
    [result] = bench.delete(ami("ami-1"), ami("ami-2"), limit=frozenset({"ami-2"}))
    assert result.state is ItemState.DELETED
    assert bench.images == {"ami-1"}


def test_a_snapshot_that_is_the_disk_of_an_image_that_stays_stays_too(bench: Bench) -> None:
    bench.image("ami-1", "snap-1")
    bench.image("ami-2", "snap-1")
    [result] = bench.delete(ami("ami-1"))
    assert (result.state, result.good) == (ItemState.DELETED, True)
    assert "snap-1 stays: ami-2" in result.reason
    assert (bench.images, bench.snapshots, bench.cloud.calls["delete_snapshot"]) == ({"ami-2"}, {"snap-1"}, 0)


def test_a_snapshot_of_two_images_goes_with_the_last_of_them(bench: Bench) -> None:
    bench.image("ami-1", "snap-1")
    bench.image("ami-2", "snap-1")
    results = bench.delete(ami("ami-1"), ami("ami-2"))
    assert [each.state for each in results] == [ItemState.DELETED, ItemState.DELETED]
    assert (bench.images, bench.snapshots, bench.cloud.calls["delete_snapshot"]) == (set(), set(), 1)


def test_a_snapshot_that_somebody_made_an_image_of_meanwhile_stays(bench: Bench) -> None:
    bench.image("ami-1", "snap-1")
    prepared_for = bench.prepare(ami("ami-1"))
    assert [step.action.verb for step in prepared_for.plan.steps] == ["hide in rhsm", "deregister", "delete snapshot"]
    deregister = bench.remover.deregister_image

    async def late(region: str, image_id: str) -> bool:
        bench.image("ami-9", "snap-1")
        return await deregister(region, image_id)

    bench.remover.deregister_image = late  # type: ignore[method-assign]  # the cloud, not us
    [result] = bench.delete(ami("ami-1"))
    assert (result.state, result.good, result.reason) == (ItemState.DELETED, True, "snap-1 stays: ami-9 has it as a disk")
    assert bench.snapshots == {"snap-1"}


def test_a_snapshot_that_ec2_thinks_to_be_in_use_for_a_moment_is_tried_again(bench: Bench) -> None:
    bench.image("ami-1", "snap-1")
    bench.remover.lagging = 2
    [result] = bench.delete(ami("ami-1"))
    assert (result.reason, bench.snapshots, bench.waited.total_s) == ("", set(), 6.0)


def test_a_snapshot_that_stays_in_use_is_a_warning(bench: Bench) -> None:
    bench.image("ami-1", "snap-1")
    bench.remover.lagging = 1000
    [result] = bench.delete(ami("ami-1"))
    assert (result.state, result.good) == (ItemState.DELETED, True)
    assert "snap-1 stays" in result.reason


def test_snapshots_are_kept_where_that_is_asked_for(bench: Bench) -> None:
    bench.image("ami-1", "snap-1")
    [result] = bench.delete(ami("ami-1"), keep_snapshot=True)
    assert (result.state, bench.snapshots) == (ItemState.DELETED, {"snap-1"})
    [again] = bench.delete(ami("ami-1"))
    assert (again.state, bench.snapshots) == (ItemState.MISSING, {"snap-1"}), "what was meant to stay is no leftover"


def test_an_image_that_rhsm_does_not_know_is_not_told_to_it(bench: Bench) -> None:
    bench.image("ami-1", known=False)
    [result] = bench.delete(ami("ami-1"))
    assert (result.state, result.good) == (ItemState.DELETED, True)
    assert bench.cloud.rhsm_images == {}
    assert bench.cloud.calls["hide_image"] == 0


@pytest.mark.parametrize("why", ["refused", "silent"])
def test_rhsm_hinders_no_deletion(why: str, bench: Bench) -> None:
    bench.image("ami-1", "snap-1")
    setattr(bench.rhsm, why, refusal())
    [result] = bench.delete(ami("ami-1"))
    assert (result.state, result.good, bench.images) == (ItemState.DELETED, True, set())
    told = [result.reason, *(each.problem for each in bench.prepare(ami("ami-1")).findings)]
    assert any("403" in each for each in told)


def test_without_rhsm_images_go_and_a_hint_is_given(bench: Bench) -> None:
    bench.image("ami-1")
    bench.with_rhsm = False
    assert bench.prepare(ami("ami-1")).findings[0].hint == "give --rhsm-url"
    assert bench.delete(ami("ami-1"))[0].state is ItemState.DELETED


def test_a_product_that_rhsm_lost_is_told_and_hinders_nothing(bench: Bench) -> None:
    bench.image("ami-1")
    bench.cloud.rhsm_products = ()
    [result] = bench.delete(ami("ami-1"))
    assert (result.state, bench.images) == (ItemState.DELETED, set())
    assert "no product RHEL_HOURLY of AWS" in result.reason


def test_an_image_of_the_marketplace_is_looked_for_in_both_accounts(bench: Bench) -> None:
    bench.image("ami-1", "snap-1", cloud=bench.emea, known=False)
    [result] = bench.delete(ami("ami-1", account=None, marketplace_entity_type="AmiProduct"))
    assert (result.state, result.account, bench.emea.images) == (ItemState.DELETED, "aws-emea", {})


def test_an_account_that_cannot_be_asked_does_not_matter_where_another_has_the_image(bench: Bench) -> None:
    bench.image("ami-1", cloud=bench.emea, known=False)
    bench.credentials = ("aws-emea",)
    [result] = bench.delete(ami("ami-1", account=None, marketplace_entity_type="AmiProduct"))
    assert result.state is ItemState.DELETED


def test_what_an_account_without_credentials_may_have_is_not_called_missing(bench: Bench) -> None:
    bench.credentials = ("aws-emea",)
    [result] = bench.delete(ami("ami-1", account=None, marketplace_entity_type="AmiProduct"))
    assert (result.state, result.good) == (ItemState.PUSHED, False)
    assert result.reason == "aws-na: there are no credentials for this account"


def test_without_credentials_for_any_of_its_accounts_nothing_is_called_missing(bench: Bench) -> None:
    bench.credentials = ("aws-us-storage",)
    [result] = bench.delete(ami("ami-1", account=None, marketplace_entity_type="AmiProduct"))
    assert (result.state, result.good) == (ItemState.PUSHED, False)
    assert "no credentials for this account" in result.reason


def test_an_account_that_answers_nothing_is_a_passing_failure(bench: Bench) -> None:
    bench.remover.refused = TransientError("there is no connection")
    [result] = bench.delete(ami("ami-1"))
    assert (result.state, result.good, result.transient) == (ItemState.PUSHED, False, True)


def test_an_image_that_cannot_be_deregistered_is_still_pushed_and_keeps_its_snapshot(bench: Bench) -> None:
    bench.image("ami-1", "snap-1")
    bench.image("ami-2", "snap-2")

    async def refuse(region: str, image_id: str) -> bool:
        raise refusal()

    bench.remover.deregister_image = refuse  # type: ignore[method-assign]  # the cloud, not us
    [result] = bench.delete(ami("ami-1"))
    assert (result.state, result.good, bench.snapshots) == (ItemState.PUSHED, False, {"snap-1", "snap-2"})
    assert result.reason.startswith("deregister: the service answered 403")


def test_what_says_no_image_fails_with_what_is_missing(bench: Bench) -> None:
    [result] = bench.delete(ami(None))
    assert result.good is False
    assert "does not say which image" in result.reason


def test_an_image_of_which_nothing_says_the_account_is_looked_for_in_all_that_are_open(bench: Bench) -> None:
    bench.image("ami-1", cloud=bench.emea, known=False)
    [result] = bench.delete(ami("ami-1", account=None, marketplace_entity_type=None))
    assert (result.state, result.account) == (ItemState.DELETED, "aws-emea")


def test_where_no_account_is_open_that_is_told(bench: Bench) -> None:
    bench.credentials = ("azure-na",)
    [result] = bench.delete(ami("ami-1", account=None, marketplace_entity_type=None))
    assert result.good is False
    assert "in which account" in result.reason


def test_the_same_image_in_two_lines_goes_once(bench: Bench) -> None:
    bench.image("ami-1", "snap-1")
    results = bench.delete(ami("ami-1"), ami("ami-1"))
    assert [each.state for each in results] == [ItemState.DELETED, ItemState.DELETED]
    assert bench.cloud.calls["deregister_image"] == 1


def test_a_dry_run_says_skipped_of_what_would_go_and_asks_only(bench: Bench) -> None:
    bench.image("ami-1", "snap-1")
    prepared = bench.prepare(ami("ami-1"), ami("ami-2"), of_build(ami("ami-3"), "other"))
    states = [result.state for part in prepared.parts for result in skipped_results(part)]
    assert states == [ItemState.SKIPPED, ItemState.MISSING, ItemState.PUSHED]
    assert set(bench.cloud.calls) == {"products", "image_ids", "images_by_id", "images_of_snapshots"}
    assert BUILD in ami("ami-1").build.nvr


def test_images_of_one_region_are_looked_for_in_one_question(bench: Bench) -> None:
    for number in range(5):
        bench.image(f"ami-{number}", f"snap-{number}")
    bench.prepare(*(ami(f"ami-{number}") for number in range(5)))
    assert (bench.cloud.calls["images_by_id"], bench.cloud.calls["images_of_snapshots"]) == (1, 1)
