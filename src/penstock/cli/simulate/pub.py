"""``penstock simulate pub``: logs of Pub's tasks."""

from pathlib import Path

import click

from penstock.cli.simulate.serving import SimulatorSettings, serve, simulator_options
from penstock.model.errors import InputError

_NAMES = ("images.json", "clouds.json")


@click.command("pub")
@click.option(
    "--task",
    "texts",
    multiple=True,
    metavar="NUMBER=FILE",
    help="Have this file, an images.json or clouds.json, in the log of this task; may be repeated.",
)
@simulator_options
def pub(*, settings: SimulatorSettings, texts: tuple[str, ...]) -> None:
    """Serve what pushes left in the logs of Pub's tasks.

    A clouds.json is what every push writes to artifacts/latest. On another
    machine clients come by HTTPS alone, and --tls-cert and --tls-key are
    needed. Kinds of faults are status, slow, cut and stall. The clock is
    moved, and requests are read, under /_simulator/.

    \b
    Examples:
      penstock simulate pub --task 1234=artifacts/latest/clouds.json
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.simulators.pub import PubSimulator

    tasks: dict[int, dict[str, bytes]] = {}
    for text in texts:
        number, file = _task(text)
        tasks.setdefault(number, {})[file.name] = _content(file)
    simulator = PubSimulator(tasks, now=settings.now, faults=settings.faults, host=settings.host, port=settings.port, tls=settings.tls)
    serve(simulator)


def _task(text: str) -> tuple[int, Path]:
    number, _, path = text.partition("=")
    file = Path(path)
    if not (number.isascii() and number.isdecimal()) or file.name not in _NAMES:
        hint = f"write NUMBER=FILE, and the file is called {' or '.join(_NAMES)}"
        raise InputError(f"{text!r} is no log of a task", subject="--task", hint=hint)
    return int(number), file


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(f"the file {str(file)!r} cannot be read: {error.strerror}", subject="--task") from error
