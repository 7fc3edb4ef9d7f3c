"""Laws of merging and of resolution, whatever is mapped and whoever is asked."""

import asyncio
import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.starmap import decode_mappings
from penstock.model.catalogue import Cloud
from penstock.model.errors import TransientError
from penstock.model.push.items import AmiAttributes, BuildInfo, PushItem, ReleaseInfo, VhdAttributes
from penstock.model.record import Tree
from penstock.model.starmap import StarmapEntity, StarmapWorkflow
from penstock.publish.mapping import Mappings, Resolution, Wish, all_destinations
from penstock.publish.metadata import effective_meta, merged

# --- merging

KEYS = st.sampled_from("abc")
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(0, 3), st.text("xy", max_size=1), st.lists(st.integers(0, 1), max_size=2))
METAS = st.dictionaries(KEYS, st.recursive(LEAVES, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=6), max_size=3)
FLAT = st.dictionaries(KEYS, LEAVES)

Path = tuple[str, ...]


def leaves(tree: Mapping[str, Any], path: Path = ()) -> Iterator[tuple[Path, object]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def is_replaced(path: Path, upper: Mapping[str, Any]) -> bool:
    """Whether ``upper`` says anything but a map at or above ``path``, or a map where ``path`` has its leaf."""
    node: object = upper
    for key in path:
        if not isinstance(node, Mapping):
            return True
        if key not in node:
            return False
        node = node[key]
    return True


@given(METAS, METAS)
def test_what_the_upper_one_says_is_said_by_both(lower: dict[str, Any], upper: dict[str, Any]) -> None:
    both = dict(leaves(merged(lower, upper)))
    assert {path: both[path] for path, _ in leaves(upper)} == dict(leaves(upper))


@given(METAS, METAS)
def test_what_the_lower_one_says_stays_where_the_upper_one_is_silent(lower: dict[str, Any], upper: dict[str, Any]) -> None:
    wanted = {path: value for path, value in leaves(lower) if not is_replaced(path, upper)} | dict(leaves(upper))
    assert dict(leaves(merged(lower, upper))) == wanted


@given(METAS)
def test_nothing_changes_nothing_and_twice_is_once(meta: dict[str, Any]) -> None:
    assert merged(meta, {}) == merged({}, meta) == merged(meta, meta) == meta


@given(METAS, METAS)
def test_neither_is_changed(lower: dict[str, Any], upper: dict[str, Any]) -> None:
    before = copy.deepcopy((lower, upper))
    merged(lower, upper)
    assert (lower, upper) == before


@given(FLAT, FLAT, FLAT)
def test_of_three_the_destination_comes_before_the_mapping_and_the_mapping_before_the_entity(
    first: dict[str, Any], second: dict[str, Any], third: dict[str, Any]
) -> None:
    destination: Tree = {"destination": "us-east-1-hourly", "overwrite": False, "restrict_version": False, "meta": third}
    mapping: Tree = {"meta": second, "destinations": [destination]}
    (entity,) = decode_mappings([_entity("a", "community", "aws", {"aws-us-storage": mapping}, meta=first)], subject="a law")
    found = entity.mappings["aws-us-storage"]
    assert effective_meta(entity, found, found.destinations[0]) == {**first, **second, **third}


# --- resolution

NAMES, WORKFLOWS, CLOUDS = ("rhel", "rhcos", "rhel-aws"), ("community", "stratosphere"), ("aws", "azure")
Entities = tuple[StarmapEntity, ...]


def _entity(name: str, workflow: str, cloud: str, mappings: Tree, **more: Tree) -> Tree:
    return {"name": name, "workflow": workflow, "cloud": cloud, "mappings": mappings, **more}


@st.composite
def entities(draw: st.DrawFn) -> Entities:
    trees: list[Tree] = []
    for number in range(draw(st.integers(0, 4))):
        name, workflow, cloud = draw(st.sampled_from(NAMES)), draw(st.sampled_from(WORKFLOWS)), draw(st.sampled_from(CLOUDS))
        if (workflow, cloud) == ("community", "azure"):
            workflow = "stratosphere"
        accounts: dict[str, Tree] = {}
        for account in draw(st.permutations([f"{cloud}-na", f"{cloud}-emea", f"{cloud}-us-storage"])):
            destinations: list[Tree] = [
                {"destination": f"{number}-{account}-{place}-hourly", "overwrite": False, "restrict_version": False}
                for place in range(draw(st.integers(0, 2)))
            ]
            accounts[account] = {"destinations": destinations}
        trees.append(_entity(name, workflow, cloud, accounts))
    return decode_mappings(trees, subject="a law")


@st.composite
def an_item(draw: st.DrawFn) -> PushItem:
    build = BuildInfo(draw(st.sampled_from(("rhel", "rhcos"))), draw(st.sampled_from(("9.4", "9.5"))), "1")
    release = ReleaseInfo("RHEL", date(2026, 5, 11), "x86_64")
    marketplace = draw(st.sampled_from((None, "aws")))
    attributes = AmiAttributes() if draw(st.booleans()) else VhdAttributes()
    return PushItem(name="a", src="/a", build=build, release=release, attributes=attributes, marketplace_name=marketplace)


ITEMS = st.lists(an_item(), max_size=5)
WORKFLOW = st.sampled_from(StarmapWorkflow)


class Server:
    """A StArMap that counts the questions; one that is ``careless`` answers with all that has the name."""

    def __init__(self, stock: Entities, *, careless: bool = False, refuses: Callable[[Wish], bool] = lambda _: False) -> None:
        self.asked: list[Wish] = []
        self._stock, self._careless, self._refuses = stock, careless, refuses

    async def query(self, name: str, *, version: str, workflow: StarmapWorkflow, cloud: Cloud) -> Entities:
        wish = Wish(name, version, workflow, cloud)
        self.asked.append(wish)
        await asyncio.sleep(0)
        if self._refuses(wish):
            raise TransientError("no answer", subject=name)
        return tuple(
            each
            for each in self._stock
            if each.name == name and (self._careless or (each.workflow.value, each.cloud.value) == (workflow.value, cloud.value))
        )


def resolve(mappings: Mappings, items: Sequence[PushItem], workflow: StarmapWorkflow) -> Resolution:
    return asyncio.run(mappings.resolve(dict(enumerate(items)), workflow))


def chosen(found: Resolution) -> dict[int, StarmapEntity]:
    return {each.order: each.entity for each in found.mapped}


def fits(entity: StarmapEntity, wish: Wish) -> bool:
    return (entity.name, entity.workflow.value, entity.cloud.value) == (wish.name, wish.workflow.value, wish.cloud.value)


@given(entities(), entities(), ITEMS, WORKFLOW)
def test_every_item_is_mapped_or_not_in_the_order_of_the_source(
    local: Entities, stock: Entities, items: list[PushItem], workflow: StarmapWorkflow
) -> None:
    found = resolve(Mappings(local, Server(stock)), items, workflow)
    orders = [each.order for each in found.mapped], [each.order for each in found.unmapped]
    assert sorted(orders[0] + orders[1]) == list(range(len(items)))
    assert orders == (sorted(orders[0]), sorted(orders[1]))
    assert all(items[each.order] is each.item for each in found.mapped)
    assert all(items[each.order] is each.item for each in found.unmapped)


@given(entities(), entities(), ITEMS, WORKFLOW)
def test_the_first_local_one_that_fits_counts_and_then_the_first_of_the_server(
    local: Entities, stock: Entities, items: list[PushItem], workflow: StarmapWorkflow
) -> None:
    found = chosen(resolve(Mappings(local, Server(stock)), items, workflow))
    for order, item in enumerate(items):
        wish = Wish.of(item, workflow)
        first = next((each for each in (*local, *stock) if fits(each, wish)), None)
        assert found.get(order) is (first if first is not None and tuple(all_destinations(first)) else None)


@given(entities(), entities(), ITEMS, WORKFLOW)
def test_the_server_is_asked_once_for_exactly_what_is_not_local(
    local: Entities, stock: Entities, items: list[PushItem], workflow: StarmapWorkflow
) -> None:
    server = Server(stock)
    resolve(Mappings(local, server), items, workflow)
    wishes = {Wish.of(item, workflow) for item in items}
    assert len(server.asked) == len(set(server.asked))
    assert set(server.asked) == {wish for wish in wishes if not any(fits(each, wish) for each in local)}


@given(entities(), entities(), ITEMS, WORKFLOW)
def test_hybrid_is_offline_first_and_online_where_that_has_no_entity(
    local: Entities, stock: Entities, items: list[PushItem], workflow: StarmapWorkflow
) -> None:
    offline = chosen(resolve(Mappings(local), items, workflow))
    online = chosen(resolve(Mappings((), Server(stock)), items, workflow))
    hybrid = chosen(resolve(Mappings(local, Server(stock)), items, workflow))
    hidden = {order for order, item in enumerate(items) if any(fits(each, Wish.of(item, workflow)) for each in local)}
    assert hybrid == {order: each for order, each in online.items() if order not in hidden} | offline


@given(entities(), ITEMS, WORKFLOW)
def test_a_server_that_answers_too_much_makes_no_difference(stock: Entities, items: list[PushItem], workflow: StarmapWorkflow) -> None:
    careful, careless = (resolve(Mappings((), Server(stock, careless=each)), items, workflow) for each in (False, True))
    assert careful == careless


@given(entities(), entities(), ITEMS, WORKFLOW)
def test_mappings_of_others_change_nothing(local: Entities, others: Entities, items: list[PushItem], workflow: StarmapWorkflow) -> None:
    wishes = [Wish.of(item, workflow) for item in items]
    others = tuple(each for each in others if not any(fits(each, wish) for wish in wishes))
    assert resolve(Mappings((*others, *local)), items, workflow) == resolve(Mappings(local), items, workflow)


@given(entities(), ITEMS, WORKFLOW, st.sampled_from(NAMES))
def test_a_question_that_fails_takes_only_its_items(stock: Entities, items: list[PushItem], workflow: StarmapWorkflow, bad: str) -> None:
    whole = resolve(Mappings((), Server(stock)), items, workflow)
    broken = resolve(Mappings((), Server(stock, refuses=lambda wish: wish.name == bad)), items, workflow)
    assert broken.mapped == tuple(each for each in whole.mapped if Wish.of(each.item, workflow).name != bad)
    failed = [each for each in broken.unmapped if Wish.of(each.item, workflow).name == bad]
    assert all("could not be asked for" in each.reason for each in failed)


@given(entities(), entities(), ITEMS, WORKFLOW, st.randoms(use_true_random=False))
def test_the_order_of_items_changes_the_order_alone(
    local: Entities, stock: Entities, items: list[PushItem], workflow: StarmapWorkflow, random: Random
) -> None:
    places = list(range(len(items)))
    random.shuffle(places)
    straight = chosen(resolve(Mappings(local, Server(stock)), items, workflow))
    mixed = chosen(resolve(Mappings(local, Server(stock)), [items[place] for place in places], workflow))
    assert {places[order]: each for order, each in mixed.items()} == straight


@given(entities())
def test_destinations_are_numbered_in_the_order_of_the_document(found: Entities) -> None:
    for entity in found:
        document = [(account, one) for account, mapping in entity.mappings.items() for one in mapping.destinations]
        destinations = tuple(all_destinations(entity))
        assert [(one.account, one.destination) for one in destinations] == document
        assert [one.index for one in destinations] == list(range(len(document)))
