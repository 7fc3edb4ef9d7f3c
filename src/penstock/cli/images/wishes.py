"""What ``images iso`` is asked for: one outcome, the edits, and which of them go together."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

import click

STANDARD_OUTPUT: Final = Path("-")


class Shown(StrEnum):
    """What ``--show`` prints."""

    IGNITION = "ignition"
    KARGS = "kargs"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where the answer goes; exactly one of these is given."""

    show: Shown | None = None
    out: Path | None = None
    in_place: bool = False
    pxe: Path | None = None
    minimal: Path | None = None

    @property
    def given(self) -> list[str]:
        """The options that are given, as they are spelled."""
        told = {
            "--show": self.show is not None,
            "-o": self.out is not None,
            "--in-place": self.in_place,
            "--pxe": self.pxe is not None,
            "--minimal": self.minimal is not None,
        }
        return [option for option, is_given in told.items() if is_given]


@dataclass(frozen=True, slots=True)
class KargOptions:
    """The options about kernel arguments."""

    append: tuple[str, ...] = ()
    append_if_missing: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()
    delete_if_present: tuple[str, ...] = ()
    reset: bool = False

    def __bool__(self) -> bool:
        """Whether one is given."""
        return any((self.append, self.append_if_missing, self.replace, self.delete, self.delete_if_present, self.reset))


@dataclass(frozen=True, slots=True)
class Wish:
    """All that the command line says about one ISO.

    Attributes:
        outcome: where the answer goes.
        ignition: the file with the config, ``-`` for stdin.
        remove: whether the config goes out.
        force: whether another config may be replaced.
        kargs: what is done to the kernel arguments.
        default: whether ``--show kargs`` shows those of the published ISO.
        rootfs_url: where a minimal ISO finds its root file system.
        dry_run: whether only the plan is printed.
    """

    outcome: Outcome
    ignition: Path | None = None
    remove: bool = False
    force: bool = False
    kargs: KargOptions = field(default_factory=KargOptions)
    default: bool = False
    rootfs_url: str | None = None
    dry_run: bool = False

    def check(self) -> None:
        """Refuse options that contradict each other, or that would be ignored.

        Raises:
            click.UsageError: they do.
        """
        problem = self._problem()
        if problem:
            raise click.UsageError(problem, click.get_current_context())

    def _problem(self) -> str:
        given = self.outcome.given
        if not given:
            return "nothing says what to do: give one of -o, --in-place, --pxe, --minimal and --show"
        if len(given) > 1:
            return f"{given[0]} and {given[1]} exclude each other"
        only_for = {
            "--default is for --show kargs alone": self.default and self.outcome.show is not Shown.KARGS,
            "--rootfs-url is for --minimal alone": self.rootfs_url is not None and self.outcome.minimal is None,
            "--show changes nothing, so there is nothing for --dry-run": self.dry_run and self.outcome.show is not None,
        }
        return next((text for text, is_wrong in only_for.items() if is_wrong), "") or self._problem_of_edits(given[0])

    def _problem_of_edits(self, outcome: str) -> str:
        edits = {"--ignition": self.ignition is not None, "--remove": self.remove, "--karg": bool(self.kargs), "--force": self.force}
        taken = {"-o": edits.keys(), "--in-place": edits.keys(), "--pxe": {"--ignition"}}.get(outcome, set())
        refused = next((option for option, is_given in edits.items() if is_given and option not in taken), None)
        if refused == "--karg":
            refused = "a change of kernel arguments"
        if refused:
            return _REFUSED.get(outcome, "{} does not go with {}").format(refused, outcome)
        if self.ignition is not None and self.remove:
            return "--ignition and --remove exclude each other; --force replaces a config"
        if outcome in {"-o", "--in-place"} and not any(is_given for option, is_given in edits.items() if option != "--force"):
            return "nothing is to be changed: give --ignition, --remove or one of the --karg options"
        return ""


_REFUSED: Final = {
    "--pxe": "{} does not go with {}: the files for a network boot hold no kernel arguments and no config but that of --ignition",
    "--minimal": "{} does not go with {}: make the minimal ISO first, then customise it",
}
