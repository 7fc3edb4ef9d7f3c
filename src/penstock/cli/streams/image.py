"""``penstock streams image``: the boot image that an installer uses."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from penstock.cli.options import arch_option
from penstock.cli.output import Output, Shown, emit, output_option
from penstock.cli.running import run_async
from penstock.cli.streams.documents import DOCUMENT, STANDARD_INPUT, name_of, read_file, talk
from penstock.cli.streams.sources import FoundStream, StreamSource, read_stream, stream_source_options
from penstock.model.arch import Arch
from penstock.model.marketplace import Generation, PurchasePlan

if TYPE_CHECKING:
    from penstock.streams.choice.answer import ImageAnswer
    from penstock.streams.choice.request import ImageRequest
    from penstock.streams.choice.wishes import Wishes

_DEFAULT_PLAN: Final = "default"
_GENERATIONS: Final = {"1": Generation.GEN1, "2": Generation.GEN2, "auto": None}


class _WithOptionalPlan(click.Command):
    """A command whose ``--marketplace`` may stand without a value, also before a file's name, which click would take for the value."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click's, with the value put in where there is none."""
        end = args.index("--") if "--" in args else len(args)
        plans = {plan.value for plan in PurchasePlan}
        words = [
            f"{word}={_DEFAULT_PLAN}" if word == "--marketplace" and index < end and following not in plans else word
            for index, (word, following) in enumerate(zip(args, [*args[1:], ""], strict=True))
        ]
        return super().parse_args(ctx, words)


@click.command("image", cls=_WithOptionalPlan)
@stream_source_options
@click.option(
    "--platform",
    metavar="NAME",
    help="Choose for this platform, in any case: azure, aws, gcp, vsphere, openstack, nutanix, ibmcloud, powervs, kubevirt, metal.",
)
@arch_option
@click.option("--region", metavar="REGION", help="Choose for this region; AWS and PowerVS need one.")
@click.option(
    "--marketplace",
    type=click.Choice([_DEFAULT_PLAN, *(plan.value for plan in PurchasePlan)]),
    is_flag=False,
    flag_value=_DEFAULT_PLAN,
    default=None,
    metavar="[PLAN]",
    help="Take the marketplace's image of this plan: no-purchase-plan, ocp, opp, oke, ocp-emea, opp-emea, oke-emea. Without a plan: the "
    "unpaid image on Azure, that of ocp on AWS and GCP.",
)
@click.option("--gen", type=click.Choice(list(_GENERATIONS)), default="auto", help="Take this generation of Azure's machines.")
@click.option(
    "--instance-type-generations",
    metavar="V1,V2",
    help="Let --gen auto take the highest of these, HyperVGenerations of the instance type; without them it is 2.",
)
@click.option("--confidential", is_flag=True, help="Choose for confidential machines of Azure.")
@click.option("--format", "format_name", metavar="FORMAT", help="Take this format of a platform with several files: raw.gz.")
@click.option("--install-config", type=DOCUMENT, metavar="FILE", help="Choose for the machines of this install-config.yaml.")
@click.option(
    "--role",
    type=click.Choice(["control-plane", "worker"]),
    default="control-plane",
    help="Choose for these machines of the install-config.",
)
@output_option
def image_command(
    *,
    source: StreamSource,
    platform: str | None,
    arch: Arch | None,
    region: str | None,
    marketplace: str | None,
    gen: str,
    instance_type_generations: str | None,
    confidential: bool,
    format_name: str | None,
    install_config: Path | None,
    role: str,
    output: Output,
) -> None:
    """Choose the boot image that an installer uses.

    The answer is an AMI, a URN, an image's path or a URL, by the installer's
    own rules; -o json tells the rule. In an install-config "marketplace: true"
    or a plan is enough, for the platform or for a pool; options win over it. An
    image that the user names wins over the stream; the environment variable
    OPENSHIFT_INSTALL_OS_IMAGE_OVERRIDE wins over all.

    \b
    Examples:
      penstock streams image --platform aws --region us-east-1 stream.json
      penstock streams image --platform azure --marketplace=ocp \\
        --release quay.example/release:4.21.0
      penstock streams image --install-config install-config.yaml \\
        --release quay.example/release:4.21.0 -o json
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.streams.choice.choosing import choose_image
    from penstock.streams.choice.request import ImageRequest

    wishes = _wishes(install_config, role, source)
    name = platform.lower() if platform else (wishes.platform if wishes else None)
    if name is None:
        raise click.UsageError("Name the platform: --platform NAME or --install-config FILE.")
    asked = ImageRequest(
        name,
        arch or (wishes.arch if wishes else Arch.X86_64),
        region or "",
        generation=_GENERATIONS[gen],
        instance_generations=None if instance_type_generations is None else tuple(instance_type_generations.split(",")),
        confidential=confidential,
        format_name=format_name or "",
    )
    request = _with_wishes(asked, wishes, marketplace)
    found = run_async(read_stream(replace(source, stream=source.stream or (wishes.stream if wishes else ""))))
    answer = choose_image(found.stream, request)
    for each in answer.warnings:
        talk(f"warning: {each}")
    emit(_document(answer, request, found), output, lambda: _shown(answer))


def _with_wishes(asked: "ImageRequest", wishes: "Wishes | None", marketplace: str | None) -> "ImageRequest":
    """What the options ask, completed by the install-config where that is for the same platform, and by the environment."""
    from penstock.streams.choice.choosing import default_plan
    from penstock.streams.choice.request import ALIASES, IMAGE_OVERRIDE, NamedImage, OwnImage

    request = replace(asked, platform=ALIASES.get(asked.platform, asked.platform))
    if wishes is not None and wishes.platform == asked.platform:
        request = replace(
            request,
            region=asked.region or wishes.region,
            plan=wishes.plan,
            own=wishes.own,
            confidential=asked.confidential or wishes.confidential,
            stack_hub=wishes.stack_hub,
        )
    if marketplace is not None:
        plan = default_plan(request.platform) if marketplace == _DEFAULT_PLAN else PurchasePlan(marketplace)
        request = replace(request, plan=plan, own=None)
    override = os.environ.get(IMAGE_OVERRIDE)
    if override:
        warning = "Found override for OS Image. Please be warned, this is not advised"
        request = replace(request, own=NamedImage(override, OwnImage.OVERRIDE, (warning,)))
    return request


def _wishes(file: Path | None, role: str, source: StreamSource) -> "Wishes | None":
    from penstock.formats.installconfig import parse_install_config
    from penstock.streams.choice.wishes import Role, wishes_of

    if file is None:
        return None
    if file == STANDARD_INPUT and STANDARD_INPUT in source.files:
        raise click.UsageError("Only one of the files can be '-'.")
    return wishes_of(parse_install_config(read_file(file), subject=name_of(file)), Role(role), subject=name_of(file))


def _shown(answer: "ImageAnswer") -> Shown:
    if not answer.image:
        talk(f"note: {answer.reason}")
        return ""
    return f"{answer.image}\n"


def _document(answer: "ImageAnswer", request: "ImageRequest", found: FoundStream) -> dict[str, Any]:
    azure = answer.azure
    return {
        "document_version": 1,
        "image": answer.image,
        "form": answer.form.value,
        "rule": answer.rule.value,
        "reason": answer.reason,
        "platform": request.platform,
        "arch": request.arch.value,
        "region": request.region or None,
        "plan": answer.plan.value if answer.plan else None,
        "paid": answer.plan.paid if answer.plan else False,
        "generation": answer.generation.number if answer.generation else None,
        "azure": {"publisher": azure.publisher, "offer": azure.offer, "sku": azure.sku, "version": azure.version} if azure else None,
        "release": answer.release or None,
        "stream": {"name": found.name or None, "document": found.stream.stream, "origin": found.origin, "version": found.version or None},
        "warnings": list(answer.warnings),
    }
