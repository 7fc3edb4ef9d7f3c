"""Options of the simulators of clouds: what they have for sale, what time it is, what goes wrong, where they listen."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from penstock.cli.simulate.serving import EXISTING_FILE, parse_address, tls_of

if TYPE_CHECKING:
    import ssl
    from datetime import datetime

    from penstock.simulators.cloud import Catalogue, Fault

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class CloudSettings:
    """What the options say, read.

    Attributes:
        catalogue: of all files together.
        now: where the clock stands; None for the real time.
        faults: what goes wrong.
        host: to listen on.
        port: 0 for a free one.
        tls: None for plain HTTP.
    """

    catalogue: "Catalogue"
    now: "datetime | None"
    faults: "tuple[Fault, ...]"
    host: str
    port: int
    tls: "ssl.SSLContext | None"


_OPTIONS: Final = (
    click.option("--listen", default="127.0.0.1:0", show_default=True, metavar="HOST:PORT", help="Listen here; port 0 takes a free one."),
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
    click.option("--now", metavar="TIME", help="Let the clock stand at this time (RFC 3339; default: the real time)."),
    click.option(
        "--fault",
        "faults",
        multiple=True,
        metavar="KIND[=N][,OPTION=N]…[@REGEX]",
        help="Let something go wrong with requests whose 'METHOD /path?query' matches; may be repeated.",
    ),
    click.option("--tls-cert", type=EXISTING_FILE, metavar="FILE", help="Speak HTTPS with this certificate (PEM, with its chain)."),
    click.option("--tls-key", type=EXISTING_FILE, metavar="FILE", help="The certificate's private key (PEM)."),
)
_NAMES: Final = ("listen", "catalogues", "marketplaces", "streams", "now", "faults", "tls_cert", "tls_key")


def cloud_options(command: F) -> F:
    """The options of every cloud, passed as ``settings: CloudSettings``; files may be given several times, and add up."""

    @functools.wraps(command)
    def collect(**values: Any) -> object:  # noqa: ANN401  # whatever the command takes
        settings = _settings(**{name: values.pop(name) for name in _NAMES})
        return command(settings=settings, **values)

    decorated: Any = collect
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def _settings(
    *,
    listen: str,
    catalogues: tuple[Path, ...],
    marketplaces: tuple[Path, ...],
    streams: tuple[Path, ...],
    now: str | None,
    faults: tuple[str, ...],
    tls_cert: Path | None,
    tls_key: Path | None,
) -> CloudSettings:
    from penstock.formats.stream import parse_marketplace, parse_stream
    from penstock.simulators.cloud import Catalogue, Fault, implied_catalogue, parse_catalogue, parse_moment

    host, port = parse_address(listen)
    catalogue = Catalogue()
    for path in catalogues:
        catalogue += parse_catalogue(path.read_bytes(), subject=str(path))
    for path in marketplaces:
        catalogue += implied_catalogue(marketplace=parse_marketplace(path.read_bytes(), subject=str(path)))
    for path in streams:
        catalogue += implied_catalogue(stream=parse_stream(path.read_bytes(), subject=str(path)))
    return CloudSettings(
        catalogue=catalogue,
        now=None if now is None else parse_moment(now, subject="--now"),
        faults=tuple(Fault.parse(text) for text in faults),
        host=host,
        port=port,
        tls=tls_of(tls_cert, tls_key),
    )
