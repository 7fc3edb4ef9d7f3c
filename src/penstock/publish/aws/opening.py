"""The accounts of a run, and who gets what is made in them."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from penstock.model.errors import InputError
from penstock.model.push.accounts import AccountAlias, CredentialSet
from penstock.model.push.aws import Sharing
from penstock.ports.publish import AwsAccounts, AwsPublisher
from penstock.publish.aws.sharing import SharingWish


class SharedTarget(Protocol):
    """A target of which the mapping says who gets it."""

    @property
    def label(self) -> str: ...  # noqa: D102  # as of Target
    @property
    def account(self) -> str: ...  # noqa: D102
    @property
    def sharing(self) -> SharingWish: ...  # noqa: D102


def publishers_of(names: Iterable[str], credentials: CredentialSet, accounts: AwsAccounts) -> dict[AccountAlias, AwsPublisher]:
    """The accounts that there are credentials for, by alias; preflight tells of the others."""
    found: dict[AccountAlias, AwsPublisher] = {}
    for text in dict.fromkeys(names):
        try:
            alias = AccountAlias.parse(text)
            found[alias] = accounts.publisher(credentials.aws(alias))
        except InputError:
            continue
    return found


def sharing_of(targets: Sequence[SharedTarget], credentials: CredentialSet) -> dict[str, Sharing]:
    """Who each target is shared with, by label; none where there are no credentials."""
    found: dict[str, Sharing] = {}
    for target in targets:
        try:
            found[target.label] = target.sharing.settled(credentials.aws(AccountAlias.parse(target.account)))
        except InputError:
            continue
    return found
