"""A scan from the top gives what unpacking the layers from the bottom gives: a model that really applies them, one by one."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.formats.oci.build import LayerEntry
from penstock.formats.oci.layer import EntryType
from penstock.model.errors import NotFoundError, VerificationError

if TYPE_CHECKING:
    from tests.unit.payload.extraction.conftest import Scan

Node = bytes | str | None
"""A file's content, a symlink's text, or None for a folder."""

NAMES = ["a", "b", "c"]
PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)
TARGETS = st.one_of(PATHS, PATHS.map("/".__add__), PATHS.map("../".__add__), st.sampled_from(["..", ".", "/", "../../../a"]))
_MOST_LINKS = 30


class Loop(Exception):
    """Links lead on for ever."""


@dataclass
class Model:
    """A root file system as dictionaries, and the layers that made it."""

    nodes: dict[str, Node] = field(default_factory=dict)
    layers: list[list[LayerEntry]] = field(default_factory=list)
    implied: set[str] = field(default_factory=set)

    def apply(self, layer: "Drawn") -> None:
        """Unpack one more layer, as image-spec ``layer.md`` says: first what it deletes, then what it adds."""
        entries: list[LayerEntry] = []
        for path in layer.whiteouts:
            self._remove(path)
            parent, _, name = path.rpartition("/")
            entries.append(LayerEntry(f"{parent}/.wh.{name}" if parent else f".wh.{name}"))
        for path in layer.opaque:
            self._empty(path)
            entries.append(LayerEntry(f"{path}/.wh..wh..opq" if path else ".wh..wh..opq"))
        for path, node in sorted(layer.nodes.items()):
            self._put(path, node)
            match node:
                case None:
                    entries.append(LayerEntry(path, type=EntryType.DIRECTORY, mode=0o755))
                case bytes():
                    entries.append(LayerEntry(path, node))
                case str():
                    entries.append(LayerEntry(path, type=EntryType.SYMLINK, target=node))
        for path, target in layer.hardlinks.items():
            content = self.nodes.get(target)
            if isinstance(content, bytes) and not any(_is_below(path, target) or _is_below(target, path) for path in layer.hardlinks):
                self._put(path, content)
                entries.append(LayerEntry(path, type=EntryType.HARDLINK, target=target))
        self._forget_implied()
        random.Random(layer.seed).shuffle(entries)
        self.layers.append(entries)

    def _put(self, path: str, node: Node) -> None:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            parent = "/".join(parts[:depth])
            if self.nodes.get(parent, b"") is not None:
                self._remove(parent)
                self.nodes[parent] = None
                self.implied.add(parent)
        self.implied.discard(path)
        if node is not None or self.nodes.get(path) is not None:
            self._remove(path)
        self.nodes[path] = node

    def _remove(self, path: str) -> None:
        self._empty(path)
        self.nodes.pop(path, None)

    def _empty(self, path: str) -> None:
        for below in [other for other in self.nodes if not path or other.startswith(path + "/")]:
            del self.nodes[below]

    def _forget_implied(self) -> None:
        """A folder that no entry ever named is known by its content alone."""
        for path in sorted(self.implied & self.nodes.keys(), reverse=True):
            if not self.below(path):
                del self.nodes[path]
        self.implied &= self.nodes.keys()

    def resolve(self, path: str) -> str | None:
        """The real path of ``path``, symlinks followed as in a chroot; None where there is nothing."""
        todo, done = path.split("/"), list[str]()
        for _ in range(1000):
            if not todo:
                return "/".join(done)
            part, *todo = todo
            if part in {"", "."}:
                continue
            if part == "..":
                done = done[:-1]
                continue
            here = "/".join([*done, part])
            node = self.nodes.get(here, b"")
            if here not in self.nodes or (todo and isinstance(node, bytes)):
                return None
            if isinstance(node, str):
                done = [] if node.startswith("/") else done
                todo = node.split("/") + todo
            else:
                done.append(part)
        raise Loop

    def below(self, path: str) -> dict[str, Node]:
        """The nodes below a folder, by the path from there."""
        return {other[len(path) + 1 :]: node for other, node in self.nodes.items() if other.startswith(path + "/")} if path else self.nodes

    def extracted(self, path: str) -> dict[str, Node] | None:
        """What ``--path /path:DIR`` puts into DIR; None where there is nothing."""
        real = self.resolve(path)
        if real is None:
            return None
        name = path.rpartition("/")[2]
        return {name: self.nodes[real] if real else None} | {f"{name}/{rest}": node for rest, node in self.below(real).items()}


@dataclass
class Drawn:
    """One layer, as hypothesis drew it: without contradictions inside itself, as a file system would give it."""

    nodes: dict[str, Node]
    hardlinks: dict[str, str]
    whiteouts: list[str]
    opaque: list[str]
    seed: int


@st.composite
def drawn_layers(draw: st.DrawFn) -> Drawn:
    nodes: dict[str, Node] = {}
    wanted = draw(st.dictionaries(PATHS, st.one_of(st.none(), st.binary(max_size=3), TARGETS), max_size=5))
    for path, node in wanted.items():
        if _fits(path, node, nodes):
            nodes[path] = node
    hardlinks: dict[str, str] = {}
    for path, target in draw(st.dictionaries(PATHS, PATHS, max_size=2)).items():
        if path not in nodes and path != target and _fits(path, b"", {**nodes, **dict.fromkeys(hardlinks, b"")}):
            hardlinks[path] = target
    leaves = {**nodes, **dict.fromkeys(hardlinks, b"")}
    whiteouts = [path for path in draw(st.lists(PATHS, max_size=2, unique=True)) if _parents_are_folders(path, leaves)]
    opaque = draw(st.lists(st.one_of(PATHS, st.just("")), max_size=1))
    opaque = [path for path in opaque if not path or (leaves.get(path) is None and _parents_are_folders(path, leaves))]
    # The folder in which something is deleted stands in the layer itself.
    nodes |= dict.fromkeys(filter(None, [*opaque, *(path.rpartition("/")[0] for path in whiteouts)]))
    return Drawn(nodes, {path: to for path, to in hardlinks.items() if to not in hardlinks}, whiteouts, opaque, draw(st.integers(0, 99)))


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder + "/")


def _fits(path: str, node: Node, others: dict[str, Node]) -> bool:
    has_below = any(other.startswith(path + "/") for other in others)
    return _parents_are_folders(path, others) and not (has_below and node is not None)


def _parents_are_folders(path: str, others: dict[str, Node]) -> bool:
    parts = path.split("/")
    return all(others.get("/".join(parts[:depth])) is None for depth in range(1, len(parts)))


@st.composite
def models(draw: st.DrawFn) -> Model:
    model = Model()
    for layer in draw(st.lists(drawn_layers(), min_size=1, max_size=4)):
        model.apply(layer)
    return model


@given(models())
def test_the_whole_image_is_what_its_layers_make(scan: "Scan", model: Model) -> None:
    assert scan(model.layers, "/").nodes == model.nodes


@given(models(), PATHS)
def test_one_path_is_what_the_layers_make_of_it(scan: "Scan", model: Model, path: str) -> None:
    _agrees(lambda: scan(model.layers, f"/{path}").nodes, lambda: model.extracted(path))


@given(models(), PATHS)
def test_the_content_of_one_folder_is_what_the_layers_make_of_it(scan: "Scan", model: Model, path: str) -> None:
    def expected() -> dict[str, Node]:
        real = model.resolve(path)
        return {} if real is None else model.below(real)

    _agrees(lambda: scan(model.layers, f"/{path}/").nodes, expected)


@settings(max_examples=40)
@given(models())
def test_every_path_that_is_there_is_found_by_its_name(scan: "Scan", model: Model) -> None:
    for path in model.nodes:
        _agrees(lambda path=path: scan(model.layers, f"/{path}").nodes, lambda path=path: model.extracted(path))  # type: ignore[misc]


@given(models(), st.lists(PATHS, min_size=2, max_size=3))
def test_several_wishes_do_not_disturb_each_other(scan: "Scan", model: Model, paths: list[str]) -> None:
    alone = []
    for path in paths:
        try:
            alone.append(scan(model.layers, f"/{path}").nodes)
        except (NotFoundError, VerificationError):
            return

    together = scan(model.layers, *(f"/{path}" for path in paths))

    assert [tree.nodes for tree in together.trees] == alone


@given(models(), PATHS)
def test_no_layer_below_a_found_file_is_read(scan: "Scan", model: Model, path: str) -> None:
    if not isinstance(model.nodes.get(path), bytes):
        return
    names = {number: [entry.path for entry in layer if entry.type is not EntryType.HARDLINK] for number, layer in enumerate(model.layers)}
    holders = [number for number, held in names.items() if path in held]
    if not holders or any(path == entry.path and entry.type is EntryType.HARDLINK for layer in model.layers for entry in layer):
        return

    assert min(scan(model.layers, f"/{path}").read) == max(holders)


def _agrees(found: Callable[[], dict[str, object]], expected: Callable[[], Any]) -> None:
    try:
        want = expected()
    except Loop:
        want = Loop
    try:
        have = found() or None
    except NotFoundError:
        have = None
    except VerificationError:
        assert want is Loop
        return
    assert have == (want or None)
