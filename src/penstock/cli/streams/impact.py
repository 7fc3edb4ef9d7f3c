"""``penstock streams impact``: what a new stream would do to a cluster's MachineSets."""

import os
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from penstock.cli.cloud_options import aws_options
from penstock.cli.options import ArchType
from penstock.cli.output import Output, Table, emit, output_option
from penstock.cli.running import run_async
from penstock.cli.streams.documents import DOCUMENT, STANDARD_INPUT, name_of, read_file
from penstock.cli.streams.sources import FoundStream, StreamSource, read_stream, stream_source_options
from penstock.model.arch import Arch
from penstock.model.errors import ExitCode

if TYPE_CHECKING:
    from penstock.rollout.boot_images.cluster import Cluster, MachineSet
    from penstock.rollout.boot_images.decision import Decision
    from penstock.rollout.boot_images.preview import Preview
    from penstock.wiring import AwsSettings

_LONGEST_DUMP_BYTES: Final = 256 << 20
_FROZEN_DEFAULT: Final = "rhel-9"


@click.command("impact")
@stream_source_options
@click.option("--machines", type=DOCUMENT, metavar="FILE", help="Read the cluster from this dump (YAML or JSON); '-' is stdin.")
@click.option(
    "--kubeconfig",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Read the running cluster of this kubeconfig.",
)
@click.option("--context", "context_name", metavar="NAME", help="Read the running cluster of this context of the kubeconfig.")
@click.option(
    "--control-plane-arch",
    type=ArchType(),
    default=Arch.X86_64.value,
    show_default=True,
    metavar="ARCH",
    help="Take machines without an annotation for this architecture.",
)
@click.option("--multi-arch", is_flag=True, help="Take the release for one of several architectures, where the dump does not tell.")
@click.option("--ask-aws", is_flag=True, help="Ask AWS whose the AMIs are; without it they stay undecided.")
@aws_options
@click.option("--check", is_flag=True, help="Exit with 3 where a MachineSet fails or upgrades would be blocked.")
@output_option
def impact_command(
    *,
    source: StreamSource,
    machines: Path | None,
    kubeconfig: Path | None,
    context_name: str | None,
    control_plane_arch: Arch,
    multi_arch: bool,
    ask_aws: bool,
    aws: "AwsSettings",
    check: bool,
    output: Output,
) -> ExitCode:
    """Preview which MachineSets a new stream would change.

    The rules are those of the machine-config operator: each MachineSet is
    patched, unchanged, skipped, fails, or is not managed at all, and skew
    enforcement may block upgrades afterwards. Nothing is changed. A dump holds
    MachineSets and, where they are there, the ControlPlaneMachineSet, the
    Infrastructure, the ClusterVersion and the MachineConfiguration. The stream
    is rhel-9 unless --stream names another, as the operator reads no other; a
    file does not tell which release brings it, --release-version does.

    \b
    Examples:
      KINDS=machinesets.machine,controlplanemachineset,infrastructure
      KINDS=$KINDS,clusterversion,machineconfiguration
      oc get $KINDS -A -o yaml > machines.yaml
      penstock streams impact rhel-9.json market.json --machines machines.yaml
      penstock streams impact --release REF --kubeconfig admin.kubeconfig
    """  # noqa: D301  # \b keeps click from joining the lines
    running = kubeconfig is not None or context_name is not None
    if running == (machines is not None):
        raise click.UsageError("Name one cluster: --machines FILE, or --kubeconfig FILE and --context NAME.")
    if machines == STANDARD_INPUT and STANDARD_INPUT in source.files:
        raise click.UsageError("Only one of the files can be '-'.")

    async def work() -> "tuple[FoundStream, Preview]":
        from penstock.flow.boot_image_impact import preview_impact
        from penstock.wiring import open_aws

        found = await read_stream(source, default=_FROZEN_DEFAULT)
        cluster = await _read_cluster(machines, kubeconfig, context_name, arch=control_plane_arch, multi_arch=multi_arch)
        async with AsyncExitStack() as opened:
            catalogue = await opened.enter_async_context(open_aws(aws)) if ask_aws else None
            return found, await preview_impact(cluster, found.stream, aws=catalogue, release_version=found.version)

    found, result = run_async(work())
    emit(_document(found, result), output, lambda: list(_shown(found, result)))
    return ExitCode.MISMATCH if check and result.fails else ExitCode.DONE


async def _read_cluster(machines: Path | None, kubeconfig: Path | None, context: str | None, *, arch: Arch, multi_arch: bool) -> "Cluster":
    from penstock.rollout.boot_images.reading import cluster_of

    if machines is not None:
        from penstock.formats.machines import parse_machine_dump

        subject = name_of(machines)
        dump = parse_machine_dump(read_file(machines, limit_bytes=_LONGEST_DUMP_BYTES), subject=subject, limit_bytes=_LONGEST_DUMP_BYTES)
    else:
        from penstock.wiring import read_cluster_machines

        dump = await read_cluster_machines(kubeconfig, context, os.environ)
        subject = "the cluster"
    return cluster_of(dump, subject=subject, control_plane_arch=arch, multi_arch=multi_arch)


def _document(found: FoundStream, result: "Preview") -> dict[str, Any]:
    return {
        "document_version": 1,
        "stream": found.origin,
        "counts": {outcome.value: count for outcome, count in result.counts.items()},
        "machine_sets": [_one(machine_set, decision) for machine_set, decision in result.decisions],
        "skew": {
            "mode": result.skew.mode.value,
            "ocp_version": result.skew.ocp_version,
            "rhcos_version": result.skew.rhcos_version,
            "blocked": result.skew.blocked,
            "reason": result.skew.reason,
        },
    }


def _one(machine_set: "MachineSet", decision: "Decision") -> Mapping[str, Any]:
    return {
        "resource": machine_set.resource.value,
        "namespace": machine_set.namespace,
        "name": machine_set.name,
        "replicas": machine_set.replicas,
        "outcome": decision.outcome.value,
        "reason": decision.reason,
        "before": decision.before,
        "after": decision.after,
        "counts_for_skew": decision.counts,
        "patch": dict(decision.patch),
        "notes": list(decision.notes),
    }


def _shown(found: FoundStream, result: "Preview") -> Iterator[str | Table]:
    from penstock.rollout.boot_images.decision import Outcome

    rows = []
    for machine_set, decision in result.decisions:
        change = f"{decision.before} → {decision.after}" if decision.after else decision.before
        rows.append((str(machine_set), decision.outcome.value, change, decision.reason))
        rows += [("", "note", "", note) for note in decision.notes]
    yield Table(("MachineSet", "outcome", "boot image", "reason"), rows, title=f"{found.origin} would do this:")
    counts = ", ".join(f"{count} {outcome}" for outcome, count in result.counts.items() if count or outcome is Outcome.PATCHED)
    yield f"{len(result.decisions)} MachineSet{'' if len(result.decisions) == 1 else 's'}: {counts}"
    blocked = {True: "blocked", False: "not blocked", None: "not known"}[result.skew.blocked]
    yield f"upgrades: {blocked} ({result.skew.mode}); {result.skew.reason}"
