"""What is asked to be deleted, and where it may stand."""

from dataclasses import dataclass

from penstock.model.push.items import PushItem


@dataclass(frozen=True, slots=True)
class DeleteRules:
    """What the arguments say.

    Attributes:
        builds: NVRs; only items of these are deleted, the others stay as they are.
        limit: ids of images, or names of items, outside of which nothing is looked at; None for no limit.
        keep_snapshot: AMIs go, and their snapshots stay.
        container: of Azure's blobs.
    """

    builds: frozenset[str]
    limit: frozenset[str] | None = None
    keep_snapshot: bool = False
    container: str = "pubupload"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteTarget:
    """An item of a list, :class:`penstock.publish.targets.Target`.

    Attributes:
        label: tells it from all others.
        order: its number, and 0.
        item: as the source listed it.
        listed: whether its build is to be deleted; else it stays as it is.
        accounts: the aliases of the accounts that it may stand in, in the order in which they are tried; none where nothing tells them.
        subject: the id of the image, or the name of the blob; ``""`` where the item does not say it.
        region: of AWS; ``""`` where it is not told: that of the credentials then.
    """

    label: str
    order: tuple[int, int]
    item: PushItem
    listed: bool
    accounts: tuple[str, ...]
    subject: str
    region: str = ""

    @property
    def warnings(self) -> tuple[str, ...]:
        """That it stays, where its build is not asked for."""
        return () if self.listed else (f"its build {self.item.build_nvr} is not to be deleted, so it stays",)

    @property
    def source(self) -> PushItem:
        """The item itself: nothing of it is changed."""
        return self.item

    @property
    def account(self) -> str:
        """For people, and for results of which the account was not found out: ``aws-na or aws-emea``."""
        return " or ".join(self.accounts)
