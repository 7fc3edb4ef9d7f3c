import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.azureproduct import (
    read_job,
    read_product_page,
    read_resource_tree,
    read_submissions,
    technical_configuration,
    write_configure,
)
from penstock.formats.codec import to_tree
from penstock.model.errors import InputError
from penstock.model.push.azuremarket import JobState, TargetType, without_queries
from penstock.model.record import Tree

TEXTS = st.text(max_size=8)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
KNOWN = ("$schema", "id", "identity", "(unknown keys)")
UNKNOWN = st.dictionaries(TEXTS.filter(lambda key: key not in KNOWN), PLAIN, max_size=3)


def content(tree: object) -> bytes:
    return json.dumps(tree).encode()


@given(st.lists(UNKNOWN, max_size=3))
def test_resources_are_written_as_they_were_read(resources: list[dict[str, Tree]]) -> None:
    stock = [{"$schema": "s", "id": f"listing/{place}", **each} for place, each in enumerate(resources)]
    tree = read_resource_tree(content({"root": "product/1", "resources": stock}), subject="tree")
    written = write_configure([to_tree(each) for each in tree.resources], version="2022-07-01")
    assert json.loads(written) == {"$schema": "https://schema.mp.microsoft.com/schema/configure/2022-07-01", "resources": stock}


@pytest.mark.parametrize(
    ("status", "result", "expected"),
    [
        ("notStarted", "pending", JobState.ACTIVE),
        ("running", None, JobState.ACTIVE),
        ("completed", "succeeded", JobState.SUCCEEDED),
        ("completed", "failed", JobState.FAILED),
        ("completed", None, JobState.FAILED),
        ("running", "failed", JobState.FAILED),
    ],
)
def test_the_state_of_a_job(status: str, result: str | None, expected: JobState) -> None:
    assert read_job(content({"jobId": "1", "jobStatus": status, "jobResult": result}), subject="job").state is expected


def test_errors_of_a_job_are_nested_and_hold_no_signature() -> None:
    inner = {"code": "invalidState", "message": "see https://x.example/a.vhd?sig=secret please", "details": None}
    job = read_job(content({"jobId": "1", "errors": [{"code": "badRequest", "message": None, "details": [inner]}]}), subject="job")
    assert job.told == "badRequest; invalidState: see https://x.example/a.vhd please"
    assert [each.code for each in job.problems[0].all()] == ["badRequest", "invalidState"]
    assert "secret" not in repr(job)


@given(st.text(max_size=30), st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1))
def test_no_query_of_an_address_is_left_in_a_text(before: str, secret: str) -> None:
    cleaned = without_queries(f"{before} https://x.example/disk.vhd?sp=r&sig=SECRET{secret} is wrong")
    assert "SECRET" not in cleaned
    assert "https://x.example/disk.vhd" in cleaned


@pytest.mark.parametrize("text", ["wrong: sp=r&sig=SECRET%2Fx", "https%3A%2F%2Fx.example%2Fa.vhd%3Fsp%3Dr%26sig%3DSECRET", "Sig=SECRET"])
def test_a_signature_without_its_address_is_left_out_too(text: str) -> None:
    assert "SECRET" not in without_queries(text)


def test_words_that_end_like_a_signature_stay() -> None:
    assert without_queries("design=round") == "design=round"


def test_images_of_a_plan_may_be_of_the_core_kind() -> None:
    key = "core-virtual-machine-plan-technical-configuration/1/a"
    resources = [{"id": "plan/1/a", "identity": {"externalId": "9"}}, {"id": key, "plan": "plan/1/a", "vmImageVersions": []}]
    tree = read_resource_tree(content({"root": "product/1", "resources": resources}), subject="tree")
    found = technical_configuration(tree, tree.resources[0])
    assert found is not None
    assert found.id == key


def test_a_page_says_what_the_next_one_is_asked_for_with() -> None:
    page = read_product_page(content({"value": [], "@nextLink": "https://elsewhere.example/product?$skipToken=a%20b&x=1"}), subject="page")
    assert page.next_query == (("$skipToken", "a b"), ("x", "1"))


def test_the_last_page_has_no_next_one() -> None:
    assert read_product_page(content({"value": [{"id": "product/1"}]}), subject="page").next_query == ()


def test_a_submission_is_aimed_at_another_state_and_stays_what_it_is() -> None:
    told: dict[str, Tree] = {"$schema": "s", "id": "submission/1/2", "target": {"targetType": "preview"}, "status": "completed", "new": 1}
    [submission] = read_submissions(content({"value": [told]}), subject="submissions")
    assert to_tree(submission.aimed_at(TargetType.LIVE)) == {**told, "target": {"targetType": "live"}}


@pytest.mark.parametrize(
    ("target", "status", "running"), [("draft", "notStarted", False), ("preview", "running", True), ("live", "completed", False)]
)
def test_a_draft_is_never_running(target: str, status: str, running: bool) -> None:
    [submission] = read_submissions(content({"value": [{"target": {"targetType": target}, "status": status}]}), subject="submissions")
    assert submission.running is running


@pytest.mark.parametrize("reader", [read_job, read_resource_tree, read_submissions, read_product_page])
@pytest.mark.parametrize("body", [b"", b"[]", b'{"value": 1, "jobId": 2, "resources": 3}', b"<html>"])
def test_what_is_no_document_is_refused(reader: "object", body: bytes) -> None:
    with pytest.raises(InputError):
        reader(body, subject="answer")  # type: ignore[operator]
