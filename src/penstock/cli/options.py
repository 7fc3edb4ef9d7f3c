"""Options that mean the same in every command.

The decorators only collect: related flags become one frozen value, which ``penstock.wiring`` turns into adapters.  Flags that ``oc image``
or ``oc adm release`` have are spelled and combined as there.
"""

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from penstock.model.arch import Arch
from penstock.model.errors import InputError
from penstock.wiring import RegistrySettings

F = TypeVar("F", bound=Callable[..., Any])

_EXISTING_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


_REGISTRY_OPTIONS: Final = (
    click.option(
        "-a",
        "--registry-config",
        type=_EXISTING_FILE,
        metavar="FILE",
        help="Take credentials from this file (env var: REGISTRY_AUTH_FILE; default: where podman and docker keep them).",
    ),
    click.option("--certificate-authority", type=_EXISTING_FILE, metavar="FILE", help="Trust these CA certificates, not the system's."),
    click.option("--insecure", is_flag=True, help="Accept any certificate, and plain HTTP."),
    click.option("--idms-file", type=_EXISTING_FILE, metavar="FILE", help="Use the mirrors of this ImageDigestMirrorSet."),
    click.option("--itms-file", type=_EXISTING_FILE, metavar="FILE", help="Use the mirrors of this ImageTagMirrorSet."),
    click.option("--icsp-file", type=_EXISTING_FILE, metavar="FILE", help="Use the mirrors of this ImageContentSourcePolicy."),
    click.option("--registries-conf", type=_EXISTING_FILE, metavar="FILE", help="Use this registries.conf, not the system's."),
)


def registry_options(command: F) -> F:
    """The options of access to registries, passed as ``registry: RegistrySettings``."""

    @functools.wraps(command)
    def collect(**values: Any) -> object:  # noqa: ANN401  # whatever the command takes
        settings = RegistrySettings(**{name: values.pop(name) for name in RegistrySettings.__dataclass_fields__})
        if settings.idms_file and settings.icsp_file:
            raise click.UsageError("--idms-file and --icsp-file exclude each other", click.get_current_context())
        return command(registry=settings, **values)

    decorated: Any = collect
    for option in reversed(_REGISTRY_OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def ledger_option(command: F) -> F:
    """``--ledger URL|PATH``, passed as ``ledger: str | None``; None for the default of ``penstock.wiring``.

    The value may hold a password and is never shown.
    """
    return click.option(
        "--ledger",
        metavar="URL|PATH",
        envvar="PENSTOCK_LEDGER",
        show_envvar=True,
        default=None,
        show_default="a file in the XDG state directory",
        help="Keep the record of what came from what here.",
    )(command)


class ArchType(click.ParamType[Arch]):
    """An architecture under any of its names."""

    name = "arch"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Arch:
        """Parse ``value``; a usage error for an unknown name."""
        try:
            return Arch.parse(str(value))
        except InputError as error:
            self.fail(f"{error.message}; {error.hint}", param, ctx)


def arch_option(command: F) -> F:
    """``--arch``, passed as ``arch: Arch | None``."""
    return click.option(
        "--arch", type=ArchType(), metavar="ARCH", help="Take the image for this architecture (x86_64 or amd64, aarch64 or arm64, …)."
    )(command)


def arches_option(command: F) -> F:
    """``--arch``, any number of times, passed as ``arches: tuple[Arch, ...]``."""
    return click.option(
        "--arch", "arches", type=ArchType(), metavar="ARCH", multiple=True, help="Work for this architecture; may be repeated."
    )(command)


def filter_by_os_option(command: F) -> F:
    """``--filter-by-os REGEX``, passed as ``filter_by_os: re.Pattern[str] | None``; to be searched for in ``os/arch[/variant]``."""
    return click.option(
        "--filter-by-os",
        callback=_compile,
        metavar="REGEX",
        help="Choose images of an index whose os/arch[/variant] matches.",
    )(command)


def _compile(_ctx: click.Context, _param: click.Parameter, value: str | None) -> re.Pattern[str] | None:
    if value is None:
        return None
    try:
        return re.compile(value)
    except re.error as error:
        raise click.BadParameter(f"{value!r} is not a regular expression: {error}") from None


def dry_run_option(command: F) -> F:
    """``--dry-run``, passed as ``dry_run: bool``."""
    return click.option("--dry-run", is_flag=True, help="Print what would be done, and do nothing.")(command)
