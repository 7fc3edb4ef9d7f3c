"""What a community push is told on the command line of ``penstock publish``, read into one value."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from penstock.cli.publish.community_arguments import CONTAINER_PREFIX, CommunityArguments, phases_to_skip
from penstock.model.errors import InputError
from penstock.model.starmap import STARMAP_URL
from penstock.wiring.publish import RhsmSettings, StarmapSettings, read_local_mappings

F = TypeVar("F", bound=Callable[..., Any])

_FILE: Final = click.Path(dir_okay=False, path_type=Path)
_OPTIONS: Final = (
    click.argument("sources", nargs=-1, required=True, metavar="SOURCE…"),
    click.option("--starmap-url", default=STARMAP_URL, metavar="URL", help="Ask this server of StArMap for mappings."),
    click.option("--repo", metavar="JSON", help="Take these mappings before those of the server."),
    click.option("--repo-file", type=_FILE, metavar="FILE", help="Take the mappings of this YAML file; not read where --repo has some."),
    click.option("--offline", is_flag=True, help="Never ask the server; needs --repo or --repo-file."),
    click.option(
        "--credentials",
        envvar="CLOUD_CREDENTIALS",
        show_envvar=True,
        metavar="LIST",
        help="Open accounts with these: files or base64 of them, separated by commas.",
    ),
    click.option("--rhsm-url", envvar="RHSM_URL", show_envvar=True, metavar="URL", help="Tell this RHSM of released images."),
    click.option("--rhsm-cert", envvar="RHSM_CERT", show_envvar=True, type=_FILE, metavar="FILE", help="Show RHSM this certificate (PEM)."),
    click.option(
        "--rhsm-key", envvar="RHSM_KEY", show_envvar=True, type=_FILE, metavar="FILE", help="The certificate's private key (PEM)."
    ),
    click.option("--pre-push", is_flag=True, help="Do all that shows nothing to anybody: neither RHSM nor public images."),
    click.option("--beta", is_flag=True, help="Publish betas: the release type of every image is beta."),
    click.option("--container-prefix", default=CONTAINER_PREFIX, metavar="PREFIX", help="Upload to the buckets PREFIX-REGION."),
    click.option(
        "--skip", multiple=True, metavar="STEP,…", help="Leave out steps: prepare, upload, import, register, share, rhsm, public."
    ),
    click.option("--ebs-direct", is_flag=True, help="Write snapshots block by block, without a bucket and without holes."),
    click.option(
        "--replicate",
        type=click.Choice(["import", "copy"]),
        default="import",
        help="Import a snapshot in every region, or once and copy it.",
    ),
    click.option("--snapshot-per-type", is_flag=True, help="Make a snapshot for each billing type, not one for all."),
    click.option(
        "--azure-allow-draft-push",
        envvar="AZURE_ALLOW_DRAFT_PUSH",
        is_flag=True,
        hidden=True,
        help="Taken as all pushes take it; a community push goes to AWS alone.",
    ),
    click.option(
        "--state",
        envvar="PENSTOCK_STATE",
        show_envvar=True,
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Keep journals and decompressed disks here (default: the XDG state directory).",
    ),
    click.option("--emit-stream", type=_FILE, metavar="FILE", help="Write the images of this push as a part of a stream."),
    click.option("--stream-name", metavar="NAME", help="Name that stream so (default: as the build)."),
)
_NAMES: Final = (
    "sources",
    "starmap_url",
    "repo",
    "repo_file",
    "offline",
    "credentials",
    "rhsm_url",
    "rhsm_cert",
    "rhsm_key",
    "pre_push",
    "beta",
    "container_prefix",
    "skip",
    "ebs_direct",
    "replicate",
    "snapshot_per_type",
    "azure_allow_draft_push",
    "state",
    "emit_stream",
    "stream_name",
    "ledger",
)


def community_options(command: F) -> F:
    """What a community push works on and how, passed as ``arguments: CommunityArguments``; ``--ledger`` comes from its own decorator."""

    @functools.wraps(command)
    def collect(**values: Any) -> object:  # noqa: ANN401  # whatever the command takes
        arguments = _arguments(**{name: values.pop(name) for name in _NAMES})
        return command(arguments=arguments, **values)

    decorated: Any = collect
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def _arguments(  # one word for each option
    *,
    starmap_url: str,
    repo: str | None,
    repo_file: Path | None,
    offline: bool,
    credentials: str | None,
    rhsm_url: str | None,
    rhsm_cert: Path | None,
    rhsm_key: Path | None,
    skip: tuple[str, ...],
    replicate: str,
    azure_allow_draft_push: bool,  # noqa: ARG001  # see its help
    emit_stream: Path | None,
    stream_name: str | None,
    **same: Any,  # noqa: ANN401  # what has one name here and there
) -> CommunityArguments:
    if stream_name is not None and emit_stream is None:
        raise click.UsageError("--stream-name needs --emit-stream", click.get_current_context())
    if emit_stream is not None and not emit_stream.absolute().parent.is_dir():
        raise InputError("there is no such folder", subject=str(emit_stream.parent), hint="make it first; --emit-stream writes into it")
    return CommunityArguments(
        credentials=credentials or "",
        starmap=StarmapSettings(starmap_url, read_local_mappings(repo, repo_file, offline=offline), offline),
        rhsm=RhsmSettings(rhsm_url or None, rhsm_cert, rhsm_key),
        skip=phases_to_skip(skip),
        replicate_copy=replicate == "copy",
        emit_stream=emit_stream,
        stream_name=stream_name,
        **same,
    )
