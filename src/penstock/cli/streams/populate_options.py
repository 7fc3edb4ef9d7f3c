"""The options of populate and explain, collected into values: which images to look for, where, and what to write."""

import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from penstock.cli.cloud_options import aws_options, azure_options, gcp_options, regions_option
from penstock.cli.options import arches_option, dry_run_option, ledger_option
from penstock.cli.streams.plan_field import purchase_plan_field_option
from penstock.cli.streams.populate_search import CatalogueSettings
from penstock.model.arch import Arch

if TYPE_CHECKING:
    from penstock.model.marketplace import MarketplaceFile, PurchasePlan
    from penstock.model.stream import Stream
    from penstock.streams.populate.override import ReleaseOverride
    from penstock.streams.populate.request import PopulateRequest

F = TypeVar("F", bound=Callable[..., Any])


class PlanType(click.ParamType["PurchasePlan"]):
    """A plan of a marketplace."""

    name = "plan"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> "PurchasePlan":
        """Parse ``value``; a usage error for an unknown name."""
        from penstock.model.marketplace import PurchasePlan

        try:
            return PurchasePlan(str(value))
        except ValueError:
            self.fail(f"{str(value)!r} is no plan; use one of {', '.join(PurchasePlan)}", param, ctx)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user wants to be looked for, and how it is to be chosen.

    Attributes:
        arches: the architectures; empty for all.
        plans: the plans; empty for all.
        choice: a value of ``streams.populate.request.Choice``.
        release: what ``--release`` says, or None.
        tries: how many of the best candidates of one series are looked at.
    """

    arches: tuple[Arch, ...]
    plans: "tuple[PurchasePlan, ...]"
    choice: str
    release: str | None
    tries: int

    def request(self, stream: "Stream", previous: "MarketplaceFile", **more: Any) -> "PopulateRequest":  # noqa: ANN401  # its other fields
        """The request to populate ``stream`` at this moment.

        Raises:
            InputError: the release is none, or an architecture is asked for that nothing can be found for.
        """
        from penstock.streams.populate.request import Choice, PopulateRequest

        request = PopulateRequest(
            stream=stream,
            previous=previous,
            now=datetime.now(UTC),
            arches=self.arches,
            plans=self.plans,
            choice=Choice(self.choice),
            release=_release_override(self.release),
            tries=self.tries,
            **more,
        )
        _check_arches(request)
        return request


_WISHES: Final = (
    arches_option,
    click.option(
        "--plan",
        "plans",
        type=PlanType(),
        metavar="PLAN",
        multiple=True,
        help="Work for this plan (no-purchase-plan, ocp, opp, oke, ocp-emea, opp-emea, oke-emea); may be repeated.",
    ),
    click.option(
        "--choice",
        type=click.Choice(["bounded", "latest", "upstream"]),
        default="bounded",
        show_default=True,
        help="Choose among the candidates so.",
    ),
    click.option(
        "--release",
        metavar="RELEASE",
        default=None,
        help="Look for this release: 4.19, 5.0 or a build (env var: STREAM_RELEASE_OVERRIDE; default: what the stream tells).",
    ),
    click.option(
        "--tries", type=click.IntRange(1, 20), default=3, show_default=True, help="Look at so many candidates of a series at most."
    ),
)


def wishes_options(command: F) -> F:
    """``--arch``, ``--plan``, ``--choice``, ``--release`` and ``--tries``, passed as ``wishes: Wishes``."""

    @functools.wraps(command)
    def collect(**values: Any) -> object:  # noqa: ANN401  # whatever the command takes
        return command(wishes=Wishes(**{name: values.pop(name) for name in Wishes.__dataclass_fields__}), **values)

    return _with(collect, _WISHES)  # type: ignore[no-any-return]


_CATALOGUES: Final = (
    azure_options,
    click.option(
        "--gallery", "galleries", multiple=True, metavar="ARCH=GALLERY/IMAGE", help="Look in this community gallery; may be repeated."
    ),
    aws_options,
    regions_option,
    gcp_options,
)


def catalogues_options(command: F) -> F:
    """The options of access to all clouds, passed as ``catalogues: CatalogueSettings``."""

    @functools.wraps(command)
    def collect(**values: Any) -> object:  # noqa: ANN401  # whatever the command takes
        from penstock.streams.populate.gallery import parse_gallery_address

        galleries = dict(parse_gallery_address(text) for text in values.pop("galleries"))
        settings = CatalogueSettings(values.pop("azure"), values.pop("aws"), values.pop("gcp"), values.pop("regions"), galleries)
        return command(catalogues=settings, **values)

    return _with(collect, _CATALOGUES)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Writing:
    """What is written, beside the documents.

    Attributes:
        purchase_plan_field: the boolean that Azure's images get, or None.
        dry_run: whether nothing is written.
        summary: where the Markdown of a pull request goes, or None.
        provenance: the sidecar, or None.
        ledger: where the ledger is, or None for the usual place.
    """

    purchase_plan_field: str | None
    dry_run: bool
    summary: Path | None
    provenance: Path | None
    ledger: str | None


_WRITING: Final = (
    purchase_plan_field_option,
    dry_run_option,
    click.option("--summary", type=click.Path(path_type=Path), metavar="FILE", help="Write the changes as Markdown, for a pull request."),
    click.option("--provenance", type=click.Path(path_type=Path), metavar="FILE", help="Keep in this file where each image came from."),
    ledger_option,
)


def writing_options(command: F) -> F:
    """What :class:`Writing` holds, passed as ``writing``."""

    @functools.wraps(command)
    def collect(**values: Any) -> object:  # noqa: ANN401  # whatever the command takes
        return command(writing=Writing(**{name: values.pop(name) for name in Writing.__dataclass_fields__}), **values)

    return _with(collect, _WRITING)  # type: ignore[no-any-return]


def _with(command: Any, options: Sequence[Callable[[Any], Any]]) -> Any:  # noqa: ANN401  # click's decorators
    for option in reversed(options):
        command = option(command)
    return command


def _check_arches(request: "PopulateRequest") -> None:
    """Refuse architectures that nothing can be found for; the installer's program knows its two, whatever the stream has."""
    from penstock.model.errors import InputError
    from penstock.streams.populate.request import MARKETPLACE_ARCHES, Choice

    for arch in request.arches:
        if arch not in MARKETPLACE_ARCHES:
            raise InputError(f"no marketplace has images for {arch}", subject="--arch", hint="use x86_64 or aarch64")
        if arch.value not in request.stream.architectures and request.choice is not Choice.UPSTREAM:
            raise InputError(f"the stream {request.stream.stream!r} has no {arch}", subject="--arch")


def _release_override(release: str | None) -> "ReleaseOverride | None":
    """What ``--release`` says, else what the environment says; a variable that is set and empty says something wrong."""
    from penstock.streams.populate.override import RELEASE_VARIABLE, ReleaseOverride

    if release is not None:
        return ReleaseOverride.parse(release, subject="--release")
    told = os.environ.get(RELEASE_VARIABLE)
    return None if told is None else ReleaseOverride.parse(told, subject=RELEASE_VARIABLE)
