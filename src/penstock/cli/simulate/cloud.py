"""Options of the simulators of clouds: what they have for sale, what time it is, what goes wrong, where they listen."""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import click

from penstock.cli.simulate.serving import EXISTING_FILE, SimulatorSettings, simulator_options, with_options

if TYPE_CHECKING:
    from penstock.simulators.cloud import Catalogue

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class CloudSettings(SimulatorSettings):
    """What the options say, read.

    Attributes:
        catalogue: of all files together.
    """

    catalogue: "Catalogue"


_OPTIONS: Final = (
    click.option(
        "--catalogue",
        "catalogues",
        multiple=True,
        type=EXISTING_FILE,
        metavar="FILE",
        help="Serve what this catalogue holds; may be repeated.",
    ),
    click.option(
        "--marketplace",
        "marketplaces",
        multiple=True,
        type=EXISTING_FILE,
        metavar="FILE",
        help="Serve what this marketplace file names; may be repeated.",
    ),
    click.option(
        "--stream", "streams", multiple=True, type=EXISTING_FILE, metavar="FILE", help="Serve what this stream file names; may be repeated."
    ),
)


def cloud_options(command: F) -> F:
    """The options of every cloud, passed as ``settings: CloudSettings``; files may be given several times, and add up."""

    @functools.wraps(command)
    def collect(
        *,
        settings: SimulatorSettings,
        catalogues: tuple[Path, ...],
        marketplaces: tuple[Path, ...],
        streams: tuple[Path, ...],
        **values: Any,  # noqa: ANN401  # whatever the command takes
    ) -> object:
        catalogue = _catalogue(catalogues, marketplaces, streams)
        cloud = CloudSettings(settings.host, settings.port, settings.now, settings.faults, settings.tls, catalogue)
        return command(settings=cloud, **values)

    return cast("F", with_options(simulator_options(collect), _OPTIONS))


def _catalogue(catalogues: Iterable[Path], marketplaces: Iterable[Path], streams: Iterable[Path]) -> "Catalogue":
    from penstock.formats.stream import parse_marketplace, parse_stream
    from penstock.simulators.cloud import Catalogue, implied_catalogue, parse_catalogue

    catalogue = Catalogue()
    for path in catalogues:
        catalogue += parse_catalogue(path.read_bytes(), subject=str(path))
    for path in marketplaces:
        catalogue += implied_catalogue(marketplace=parse_marketplace(path.read_bytes(), subject=str(path)))
    for path in streams:
        catalogue += implied_catalogue(stream=parse_stream(path.read_bytes(), subject=str(path)))
    return catalogue
