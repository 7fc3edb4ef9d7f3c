import asyncio
from collections.abc import Callable

import pytest

from penstock.formats.starmap import decode_mappings
from penstock.model.catalogue import Cloud
from penstock.model.errors import TransientError
from penstock.model.push.items import PushItem
from penstock.model.record import Tree
from penstock.model.starmap import StarmapEntity, StarmapWorkflow
from penstock.publish.mapping import Mappings, Resolution, ResolutionMode
from penstock.publish.metadata import effective_meta, merged

COMMUNITY, STRATOSPHERE = StarmapWorkflow.COMMUNITY, StarmapWorkflow.STRATOSPHERE


def an_entity(name: str = "rhel-ec2", workflow: str = "community", **more: Tree) -> StarmapEntity:
    destination: Tree = {"destination": "us-east-1-hourly", "overwrite": False, "restrict_version": False, "meta": {"a": {"z": 3}}}
    mappings: Tree = {"aws-us-storage": {"destinations": [destination], "meta": {"a": {"y": 2, "z": 2}}}}
    tree: Tree = {"name": name, "cloud": "aws", "workflow": workflow, "mappings": mappings, "meta": {"a": {"x": 1, "y": 1}}, **more}
    (entity,) = decode_mappings([tree], subject="a test")
    return entity


class Server:
    """A StArMap that counts the questions."""

    def __init__(self, *entities: StarmapEntity, refuses: bool = False) -> None:
        self.asked: list[tuple[str, str, str]] = []
        self._entities = entities
        self._refuses = refuses

    async def query(self, name: str, *, version: str, workflow: StarmapWorkflow, cloud: Cloud) -> tuple[StarmapEntity, ...]:
        self.asked.append((name, version, workflow.value))
        await asyncio.sleep(0)
        if self._refuses:
            raise TransientError("no answer", subject=cloud.value)
        return self._entities


def resolve(mappings: Mappings, *items: PushItem, workflow: StarmapWorkflow = COMMUNITY) -> Resolution:
    return asyncio.run(mappings.resolve(dict(enumerate(items)), workflow))


def test_a_local_mapping_comes_before_the_server(an_item: Callable[..., PushItem]) -> None:
    server = Server(an_entity())
    local = an_entity(meta={"from": "here"})
    found = resolve(Mappings([local], server), an_item())
    assert found.mapped[0].entity is local
    assert server.asked == []


def test_a_local_mapping_of_the_other_workflow_does_not_hide_the_servers(an_item: Callable[..., PushItem]) -> None:
    wanted = an_entity()
    server = Server(an_entity(workflow="stratosphere"), wanted)
    found = resolve(Mappings([an_entity(workflow="stratosphere")], server), an_item())
    assert found.mapped[0].entity is wanted


def test_offline_asks_nobody_and_says_what_is_missing(an_item: Callable[..., PushItem]) -> None:
    mappings = Mappings([an_entity("other")])
    found = resolve(mappings, an_item())
    assert mappings.mode is ResolutionMode.OFFLINE
    assert found.unmapped[0].reason == "there is no mapping of rhel-ec2 (community, aws) in --repo or --repo-file"


def test_equal_questions_are_asked_once(an_item: Callable[..., PushItem]) -> None:
    server = Server(an_entity())
    assert len(resolve(Mappings((), server), an_item(), an_item(name="other.raw")).mapped) == 2
    assert server.asked == [("rhel-ec2", "9.4", "community")]


def test_an_item_whose_question_failed_leaves_the_others_alone(an_item: Callable[..., PushItem]) -> None:
    found = resolve(Mappings([an_entity()], Server(refuses=True)), an_item(), an_item(build=an_item().build.__class__("x", "1", "1")))
    assert len(found.mapped) == 1
    assert "no answer" in found.unmapped[0].reason


def test_the_marketplace_workflow_looks_under_the_marketplaces_name(an_item: Callable[..., PushItem]) -> None:
    server = Server()
    resolve(Mappings((), server), an_item(marketplace_name="aws"), workflow=STRATOSPHERE)
    assert server.asked == [("rhel-ec2-aws", "9.4", "stratosphere")]


@pytest.mark.parametrize("local", [True, False])
def test_the_mode_follows_from_what_there_is(local: bool) -> None:
    mode = Mappings([an_entity()] if local else [], Server()).mode
    assert mode is (ResolutionMode.HYBRID if local else ResolutionMode.ONLINE)


def test_the_meta_of_a_destination_counts_most_and_maps_are_merged() -> None:
    entity = an_entity()
    mapping = entity.mappings["aws-us-storage"]
    assert effective_meta(entity, mapping, mapping.destinations[0]) == {"a": {"x": 1, "y": 2, "z": 3}}


def test_lists_and_scalars_replace_each_other() -> None:
    assert merged({"a": [1], "b": {"c": 1}, "d": 1}, {"a": [2], "b": 5, "d": {"e": 1}}) == {"a": [2], "b": 5, "d": {"e": 1}}
