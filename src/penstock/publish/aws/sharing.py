"""Who an image is shared with, before it is public or instead."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.model.push.accounts import AwsCredential
from penstock.model.push.aws import Sharing

_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)?-(?:central|(?:north|south)?(?:east|west)|north|south)-[0-9]+")


@dataclass(frozen=True, slots=True)
class SharingWish:
    """What a mapping says: None where it says nothing, and then what the credentials say counts.

    Attributes:
        accounts: ``accounts`` of the meta, or else ``sharing_accounts``.
        snapshot_accounts: of the meta.
        ignored: values that are no account, one sentence each, for a warning.
    """

    accounts: tuple[str, ...] | None = None
    snapshot_accounts: tuple[str, ...] | None = None
    ignored: tuple[str, ...] = ()

    def settled(self, credential: AwsCredential) -> Sharing:
        """With the defaults of the account; the groups are always those of the account."""
        return Sharing(
            accounts=credential.accounts if self.accounts is None else self.accounts,
            groups=credential.groups,
            snapshot_accounts=credential.snapshot_accounts if self.snapshot_accounts is None else self.snapshot_accounts,
        )


def sharing_wish(meta: Mapping[str, Any], region: str) -> SharingWish:
    """What the meta of a destination in ``region`` says.

    ``accounts``, ``sharing_accounts`` and ``snapshot_accounts`` are a list of account numbers, or a map from a name to a number or to a
    list of numbers.  What a map says under the name of another region does not count, and all else does (``default``, the name of a
    partner): upstream takes every region's.  Empty is nothing said.  A number of 12 digits that YAML read as a number is one; anything
    else is ignored with a warning.  Each account comes once, in the order found.
    """
    ignored: list[str] = []
    accounts = _accounts(meta, "accounts", region, ignored)
    sharing_accounts = _accounts(meta, "sharing_accounts", region, ignored)
    snapshot_accounts = _accounts(meta, "snapshot_accounts", region, ignored)
    return SharingWish(accounts or sharing_accounts or None, snapshot_accounts or None, tuple(ignored))


def _accounts(meta: Mapping[str, Any], key: str, region: str, ignored: list[str]) -> tuple[str, ...]:
    """The accounts that ``key`` says for this region, each once; what is none is told to ``ignored``."""
    found: dict[str, None] = {}
    for value in _values(meta.get(key), region):
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if isinstance(text, str) and _ACCOUNT.fullmatch(text):
            found[text] = None
        else:
            ignored.append(f"{value!r} in {key} is no number of an account, which has 12 digits")
    return tuple(found)


def _values(said: object, region: str) -> Iterator[object]:
    """All single values, whatever they are."""
    if said is None or said == "":
        return
    if not isinstance(said, Mapping):
        yield from said if isinstance(said, list | tuple) else [said]
        return
    for name, value in said.items():
        if name == region or _REGION.fullmatch(str(name)) is None:
            yield from value if isinstance(value, list | tuple) else [value]
