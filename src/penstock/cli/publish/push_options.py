"""What pushes are told on the command line of ``penstock publish``, read into values."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import click

from penstock.cli.options import dry_run_option, ledger_option
from penstock.cli.output import Output, output_option
from penstock.cli.progress import ProgressStyle
from penstock.cli.publish.push_arguments import (
    CONTAINER_PREFIX,
    CommunityArguments,
    PushArguments,
    PushCommand,
    WorkflowChoice,
    phases_to_skip,
    workflows_of,
)
from penstock.cli.publish.rehearsal_options import RehearsalWords, rehearsal_options
from penstock.model.errors import InputError
from penstock.model.starmap import STARMAP_URL
from penstock.wiring.publish import RhsmSettings, StarmapSettings, read_local_mappings

F = TypeVar("F", bound=Callable[..., Any])

_FILE: Final = click.Path(dir_okay=False, path_type=Path)
SOURCES: Final = click.argument("sources", nargs=-1, required=True, metavar="SOURCE…")
CREDENTIALS: Final = click.option(
    "--credentials",
    envvar="CLOUD_CREDENTIALS",
    show_envvar=True,
    metavar="LIST",
    help="Open accounts with these: files or base64 of them, separated by commas.",
)
STATE: Final = click.option(
    "--state",
    envvar="PENSTOCK_STATE",
    show_envvar=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Keep journals and decompressed disks here (default: the XDG state directory).",
)
RHSM: Final = (
    click.option("--rhsm-url", envvar="RHSM_URL", show_envvar=True, metavar="URL", help="Tell this RHSM of released images."),
    click.option("--rhsm-cert", envvar="RHSM_CERT", show_envvar=True, type=_FILE, metavar="FILE", help="Show RHSM this certificate (PEM)."),
    click.option(
        "--rhsm-key", envvar="RHSM_KEY", show_envvar=True, type=_FILE, metavar="FILE", help="The certificate's private key (PEM)."
    ),
)
_STARMAP: Final = (
    click.option("--starmap-url", default=STARMAP_URL, metavar="URL", help="Ask this server of StArMap for mappings."),
    click.option("--repo", metavar="JSON", help="Take these mappings before those of the server."),
    click.option("--repo-file", type=_FILE, metavar="FILE", help="Take the mappings of this YAML file; not read where --repo has some."),
    click.option("--offline", is_flag=True, help="Never ask the server; needs --repo or --repo-file."),
)
_WORKFLOW: Final = click.option(
    "--workflow",
    "-w",
    type=click.Choice([each.value for each in WorkflowChoice]),
    default=WorkflowChoice.ALL.value,
    help="Push to marketplaces, to communities, or to both.",
)
_COMMUNITY: Final = (
    click.option("--beta", is_flag=True, help="Publish betas: the release type of every community image is beta."),
    click.option("--container-prefix", default=CONTAINER_PREFIX, metavar="PREFIX", help="Upload community images to PREFIX-REGION."),
    click.option("--ebs-direct", is_flag=True, help="Write snapshots block by block, without a bucket and without holes."),
    click.option(
        "--replicate",
        type=click.Choice(["import", "copy"]),
        default="import",
        help="Import a snapshot in every region, or once and copy it.",
    ),
    click.option("--snapshot-per-type", is_flag=True, help="Make a snapshot for each billing type, not one for all."),
)
_STREAM: Final = (
    click.option("--emit-stream", type=_FILE, metavar="FILE", help="Write the images of this push as a part of a stream."),
    click.option("--stream-name", metavar="NAME", help="Name that stream so (default: as the build)."),
    click.option("--proposed", is_flag=True, help="Use proposed places of that stream too: images.azure-community for galleries."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellWords:
    """What the shell itself is told of a push or a deletion.

    Attributes:
        best_effort: whether a run of which a part failed counts as a success.
        dry_run: whether the plan is printed, and nothing done.
        progress: how it is shown.
        output: how the answer is written.
        rehearsal: how it is rehearsed; None for the real thing.
    """

    best_effort: bool
    dry_run: bool
    progress: ProgressStyle
    output: Output
    rehearsal: RehearsalWords | None = None


def push_options(command: PushCommand) -> Callable[[F], F]:
    """What this push works on and how, passed as ``arguments: PushArguments`` and ``words: ShellWords``."""
    decorated = [SOURCES, *_STARMAP, CREDENTIALS]
    decorated += [] if command is PushCommand.MARKETPLACE else RHSM
    decorated += [_WORKFLOW] if command is PushCommand.COMBINED else []
    decorated.append(click.option("--pre-push", is_flag=True, help=_pre_push_help(command)))
    decorated += [] if command is PushCommand.MARKETPLACE else _COMMUNITY
    decorated.append(click.option("--skip", multiple=True, metavar="STEP,…", help=f"Leave out steps: {', '.join(command.steps)}."))
    decorated.append(
        click.option(
            "--azure-allow-draft-push",
            "allow_draft",
            envvar="AZURE_ALLOW_DRAFT_PUSH",
            show_envvar=True,
            is_flag=True,
            hidden=command is PushCommand.COMMUNITY,
            help="Publish also drafts of Azure's marketplace that somebody changed.",
        )
    )
    decorated += [STATE, *_STREAM]

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def collect(*, words: ShellWords, ledger: str | None, rehearsal: RehearsalWords | None, **given: Any) -> object:  # noqa: ANN401
            return function(arguments=_arguments(command, ledger=ledger, **given), words=replace(words, rehearsal=rehearsal))

        return cast("F", _decorated(rehearsal_options(shell_options(collect)), decorated))

    return decorate


def shell_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """``--best-effort``, ``--dry-run``, ``--ledger``, ``--progress`` and ``-o``: passed as ``words: ShellWords`` and ``ledger``."""

    @functools.wraps(function)
    def collect(*, best_effort: bool, dry_run: bool, progress: ProgressStyle, output: Output, **given: Any) -> object:  # noqa: ANN401
        words = ShellWords(best_effort=best_effort, dry_run=dry_run, progress=progress, output=output)
        return function(words=words, **given)

    options = [
        click.option("--best-effort", is_flag=True, help="Call a run of which a part failed a success."),
        dry_run_option,
        ledger_option,
        click.option(
            "--progress",
            type=click.Choice(list(ProgressStyle), case_sensitive=False),
            default=ProgressStyle.AUTO.value,
            envvar="PENSTOCK_PROGRESS",
            show_envvar=True,
            help="Show progress on stderr; auto is a table on a terminal, else lines of JSON.",
        ),
        output_option,
    ]
    return _decorated(collect, options)


def applied(*options: Any) -> Callable[[F], F]:  # noqa: ANN401  # click's decorators keep no types
    """Several options at once, in this order."""

    def decorate(function: F) -> F:
        return cast("F", _decorated(function, list(options)))

    return decorate


def _decorated(function: Callable[..., Any], options: list[Any]) -> Callable[..., Any]:
    decorated: Any = function
    for option in reversed(options):
        decorated = option(decorated)
    return cast("Callable[..., Any]", decorated)


def _pre_push_help(command: PushCommand) -> str:
    left_out = {
        PushCommand.COMMUNITY: "neither RHSM nor public images",
        PushCommand.MARKETPLACE: "no offer or product is touched",
        PushCommand.COMBINED: "neither RHSM nor public images, and no offer or product",
    }
    return f"Do all that shows nothing to anybody: {left_out[command]}."


def _arguments(  # one word for each option
    command: PushCommand,
    *,
    starmap_url: str,
    repo: str | None,
    repo_file: Path | None,
    offline: bool,
    credentials: str | None,
    skip: tuple[str, ...],
    workflow: str = WorkflowChoice.ALL.value,
    emit_stream: Path | None,
    stream_name: str | None,
    proposed: bool,
    sources: tuple[str, ...],
    pre_push: bool,
    allow_draft: bool,
    state: Path | None,
    ledger: str | None,
    **community: Any,  # noqa: ANN401  # of community workflows alone
) -> PushArguments:
    if (stream_name is not None or proposed) and emit_stream is None:
        raise click.UsageError("--stream-name and --proposed need --emit-stream", click.get_current_context())
    if emit_stream is not None and not emit_stream.absolute().parent.is_dir():
        raise InputError("there is no such folder", subject=str(emit_stream.parent), hint="make it first; --emit-stream writes into it")
    to_community, to_market = workflows_of(command, WorkflowChoice(workflow), _community(**community))
    return PushArguments(
        command=command,
        sources=sources,
        credentials=credentials or "",
        starmap=StarmapSettings(starmap_url, read_local_mappings(repo, repo_file, offline=offline), offline),
        community=to_community,
        marketplace=to_market,
        skip=phases_to_skip(skip, command),
        pre_push=pre_push,
        allow_draft=allow_draft,
        state=state,
        emit_stream=emit_stream,
        stream_name=stream_name,
        proposed=proposed,
        ledger=ledger,
    )


def _community(  # one word for each option
    *,
    rhsm_url: str | None = None,
    rhsm_cert: Path | None = None,
    rhsm_key: Path | None = None,
    beta: bool = False,
    container_prefix: str = CONTAINER_PREFIX,
    ebs_direct: bool = False,
    replicate: str = "import",
    snapshot_per_type: bool = False,
) -> CommunityArguments:
    return CommunityArguments(
        rhsm=RhsmSettings(rhsm_url or None, rhsm_cert, rhsm_key),
        beta=beta,
        container_prefix=container_prefix,
        ebs_direct=ebs_direct,
        replicate_copy=replicate == "copy",
        snapshot_per_type=snapshot_per_type,
    )
