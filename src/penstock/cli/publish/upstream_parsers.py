"""The command lines of the programs under their upstream names: groups and words are those of their documentation pages."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from penstock.cli.publish.knobs import is_true
from penstock.cli.publish.push_arguments import CONTAINER_PREFIX, PushCommand, WorkflowChoice
from penstock.model.starmap import STARMAP_URL


@dataclass(frozen=True, slots=True)
class Program:
    """A program that callers know.

    Attributes:
        name: of its console script.
        about: what ``--help`` says of it.
        push: which push it is; None of the one that deletes.
    """

    name: str
    about: str
    push: PushCommand | None


COMBINED: Final = Program(
    "pubtools-marketplacesvm-push", "Publish images in marketplaces and for communities, in one run.", PushCommand.COMBINED
)
MARKETPLACE: Final = Program(
    "pubtools-marketplacesvm-marketplace-push", "Publish images in the marketplaces of AWS and Azure.", PushCommand.MARKETPLACE
)
COMMUNITY: Final = Program(
    "pubtools-marketplacesvm-community-push", "Publish community images, and tell RHSM of them.", PushCommand.COMMUNITY
)
DELETE: Final = Program("pubtools-marketplacesvm-delete", "Delete images from clouds, and hide them in RHSM before.", None)
PROGRAMS: Final[Mapping[str, Program]] = {each.name: each for each in (COMBINED, MARKETPLACE, COMMUNITY, DELETE)}

_SKIP_HELP: Final = "steps to leave out, separated by commas"
_PRE_PUSH_HELP: Final = "do all that shows nothing to anybody, then stop"


def parser_of(program: Program, environ: Mapping[str, str]) -> argparse.ArgumentParser:
    """The command line of a program; ``environ`` gives what options leave open."""
    words = argparse.ArgumentParser(prog=program.name, description=program.about)
    words.add_argument("--debug", "-d", action="count", default=0, help="show debug logs; up to three times for more of them")
    if program.push is not PushCommand.MARKETPLACE:
        _add_rhsm(words, environ)
    if program.push is not None:
        _add_starmap(words)
    _add_cloud(words, environ)
    match program.push:
        case PushCommand.COMBINED:
            _add_combined(words)
        case None:
            _add_delete(words)
        case _:
            words.add_argument("--skip", action="append", default=[], help=_SKIP_HELP)
            words.add_argument("--pre-push", action="store_true", help=_PRE_PUSH_HELP)
            _add_source(words, "where images come from: staged:/DIR, koji:URL?vmi_build=NVR, errata:URL?errata=ID")
            if program.push is PushCommand.COMMUNITY:
                _add_community(words)
    return words


def _add_rhsm(words: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    rhsm = words.add_argument_group("RHSM service")
    rhsm.add_argument("--rhsm-url", default=environ.get("RHSM_URL"), help="address of the RHSM API (or set RHSM_URL)")
    rhsm.add_argument("--rhsm-cert", default=environ.get("RHSM_CERT"), help="path of the certificate for it (or set RHSM_CERT)")
    rhsm.add_argument("--rhsm-key", default=environ.get("RHSM_KEY"), help="path of the certificate's key (or set RHSM_KEY)")


def _add_starmap(words: argparse.ArgumentParser) -> None:
    starmap = words.add_argument_group("StArMap Service")
    starmap.add_argument("--starmap-url", default=STARMAP_URL, help="address of the StArMap server (default: %(default)s)")
    starmap.add_argument("--repo", help="mappings that come before the server's, a list in JSON")
    starmap.add_argument("--repo-file", help="the same in a YAML file, read where --repo is not given")
    starmap.add_argument("--offline", action="store_true", help="never ask the server; mappings are then needed")


def _add_cloud(words: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    cloud = words.add_argument_group("Cloud Service")
    cloud.add_argument(
        "--credentials",
        default=environ.get("CLOUD_CREDENTIALS", ""),
        help="credential files, or base64 of them, separated by commas (or set CLOUD_CREDENTIALS)",
    )
    cloud.add_argument(
        "--azure-allow-draft-push",
        action="store_true",
        default=is_true(environ.get("AZURE_ALLOW_DRAFT_PUSH", "")),
        help="publish also drafts of Azure's marketplace that somebody changed (or set AZURE_ALLOW_DRAFT_PUSH=true)",
    )


def _add_community(words: "argparse.ArgumentParser | argparse._ArgumentGroup") -> None:
    words.add_argument("--beta", action="store_true", help="publish betas")
    words.add_argument("--container-prefix", default=CONTAINER_PREFIX, help="beginning of the buckets' names (default: %(default)s)")


def _add_combined(words: argparse.ArgumentParser) -> None:
    market = words.add_argument_group("Marketplace Push Options")
    market.add_argument("--skip", action="append", default=[], help=_SKIP_HELP)
    market.add_argument("--pre-push", action="store_true", help=_PRE_PUSH_HELP)
    _add_source(market, "where images come from: staged:/DIR, koji:URL?vmi_build=NVR, errata:URL?errata=ID")
    _add_community(words.add_argument_group("Community Push options"))
    workflow = words.add_argument_group("Workflow options")
    workflow.add_argument(
        "--workflow",
        "-w",
        choices=[each.value for each in WorkflowChoice],
        default=WorkflowChoice.ALL.value,
        help="where to push (default: %(default)s)",
    )


def _add_delete(words: argparse.ArgumentParser) -> None:
    words.add_argument("--builds", action="append", default=[], help="builds of which images are deleted, separated by commas; needed")
    words.add_argument("--dry-run", action="store_true", help="delete nothing, and say what would be")
    words.add_argument("--keep-snapshot", action="store_true", help="keep the snapshots of AMIs")
    words.add_argument("--limit", action="append", help="delete these only: ids of AMIs, names of VHDs, separated by commas")
    _add_source(words, "where the list of images comes from: pub:URL?task_id=N")


def _add_source(words: "argparse.ArgumentParser | argparse._ArgumentGroup", help: str) -> None:  # noqa: A002  # argparse's word
    words.add_argument("source", nargs="+", help=help)
