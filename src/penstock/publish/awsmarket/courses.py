"""How products change in the course of a run: which versions come and go, and which images are used in the end; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from penstock.model.push.awsmarket import PUBLIC, RESTRICTED, DeliveryOption, Product, ProductVersion
from penstock.model.push.journal import ExternalId
from penstock.publish.aws.reuse import Judged
from penstock.publish.awsmarket.restriction import restricted
from penstock.publish.awsmarket.target import AwsMarketTarget
from penstock.publish.plan import Verdict


@dataclass(frozen=True, slots=True)
class Courses:
    """What becomes of the products of a run.

    Attributes:
        gone: the versions that are restricted once a target's version is there, by the label of the target.
        keep: titles that never go, by account and product: all that this run is about.
        products: that the run is about, by account.
        used: images of versions that can be had in the end, by account.
    """

    gone: Mapping[str, tuple[ProductVersion, ...]]
    keep: Mapping[tuple[str, str], frozenset[str]]
    products: Mapping[str, tuple[str, ...]]
    used: Mapping[str, frozenset[str]]


def courses_of(
    targets: Sequence[AwsMarketTarget], judged: Mapping[str, Judged], products: Mapping[tuple[str, str], Product], *, restrict: bool
) -> Courses:
    """The courses of all products.

    Args:
        targets: all of the run, in the order of the results.
        judged: what becomes of the version, by label; a target in conflict is not in it.
        products: as they stand, by account and product.
        restrict: whether anything is restricted at all.
    """
    keys = list(dict.fromkeys((each.account, each.product) for each in targets))
    courses = {key: _Course(list(products[key].versions) if key in products else []) for key in keys}
    for target in targets:
        course = courses[target.account, target.product]
        if target.details is not None:
            course.keep.add(target.details.title)
        if target.label in judged:
            course.keep |= {judged[target.label].known.get(ExternalId.VERSION, "")} - {""}
    gone: dict[str, tuple[ProductVersion, ...]] = {}
    for target in targets:
        if target.label in judged and not target.keep_draft and target.details is not None:
            course = courses[target.account, target.product]
            course.arrive(target.details.title, judged[target.label])
            if restrict and target.restriction is not None:
                gone[target.label] = restricted(course.versions, target.restriction, keep=course.keep)
                course.take_away(gone[target.label])
    accounts = dict.fromkeys(account for account, _ in keys)
    return Courses(
        gone=gone,
        keep={key: frozenset(course.keep) for key, course in courses.items()},
        products={account: tuple(sorted(product for owner, product in keys if owner == account)) for account in accounts},
        used={account: frozenset(images_in_use(courses[key].versions for key in keys if key[0] == account)) for account in accounts},
    )


def images_in_use(versions: Iterable[Iterable[ProductVersion]]) -> set[str]:
    """The images of all versions of several products that somebody new can still get."""
    return {image for of_one in versions for each in of_one if not each.is_restricted for image in each.images}


@dataclass(slots=True)
class _Course:
    versions: list[ProductVersion]
    keep: set[str] = field(default_factory=set)

    def arrive(self, title: str, judged: Judged) -> None:
        """Have the version, the newest of all, unless it is there; one that is changed loses its image."""
        if judged.verdict is Verdict.REUSE:
            return
        for place, each in enumerate(self.versions):
            if each.title == title:
                self.versions[place] = replace(each, images=())
                return
        dates = [each.created_at for each in self.versions if each.created_at is not None]
        newest = max(dates, default=datetime(2000, 1, 1, tzinfo=UTC)) + timedelta(seconds=1)
        self.versions.append(ProductVersion(id="", title=title, created_at=newest, options=(DeliveryOption(id="", visibility=PUBLIC),)))

    def take_away(self, gone: Sequence[ProductVersion]) -> None:
        """Have these restricted."""
        self.versions = [_taken_away(each) if each in gone else each for each in self.versions]


def _taken_away(version: ProductVersion) -> ProductVersion:
    return replace(version, options=tuple(replace(each, visibility=RESTRICTED) for each in version.options))
