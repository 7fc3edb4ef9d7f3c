"""An override file: a part of a stream that shall be otherwise, merged into what was generated.

Maps merge key by key, anything else is replaced.  Null leaves a map as it is and takes anything else away, which is what the Fedora CoreOS
stream generator's round trip through typed records comes to.
"""

from collections.abc import Mapping

from penstock.formats.codec import decode, to_tree
from penstock.formats.jsontext import parse_json
from penstock.model.errors import InputError
from penstock.model.record import Tree
from penstock.model.stream import Stream


def merged_deep(original: Tree, override: Tree) -> Tree:
    """``original`` with ``override`` in it; neither is changed.

    >>> merged_deep({"a": {"b": 1, "c": 2}, "d": {"e": 3}}, {"a": {"b": None, "f": 4}, "d": None})
    {'a': {'c': 2, 'f': 4}, 'd': {'e': 3}}
    """
    if not isinstance(override, Mapping):
        return original if override is None and isinstance(original, Mapping) else override
    made: dict[str, Tree] = dict(original) if isinstance(original, Mapping) else {}
    for key, part in override.items():
        value = merged_deep(made.get(key), part)
        if value is None:
            made.pop(key, None)
        else:
            made[key] = value
    return made


def overridden(stream: Stream, content: bytes, *, subject: str) -> Stream:
    """The stream with the override file ``content`` merged in.

    Raises:
        InputError: the file is no JSON object, or what it makes is no stream.
    """
    tree = parse_json(content, subject=subject)
    if not isinstance(tree, Mapping):
        raise InputError("an override is an object with keys of a stream", subject=subject)
    return decode(merged_deep(to_tree(stream), tree), Stream, subject=f"the stream with {subject}")
