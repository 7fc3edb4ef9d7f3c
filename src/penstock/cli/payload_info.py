"""``penstock payload info`` and ``penstock payload image-for``: questions to one payload."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.options import arch_option, registry_options
from penstock.cli.output import Output, Shown, Table, emit, output_option
from penstock.cli.running import run_async
from penstock.model.arch import Arch
from penstock.wiring import RegistrySettings

if TYPE_CHECKING:
    from penstock.payload.release import Release


@click.command("info")
@click.argument("reference", metavar="REF")
@arch_option
@registry_options
@output_option
def info(*, reference: str, arch: Arch | None, registry: RegistrySettings, output: Output) -> None:
    """Show what a release payload holds.

    Of a payload for several architectures the components of one are shown: of
    --arch, else of this machine's.

    \b
    Examples:
      penstock payload info quay.example/release:4.20.1
      penstock payload info quay.example/release:4.20.1 --arch arm64 -o json
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.payload.info import release_document

    document = release_document(run_async(_read(reference, arch, registry)))
    emit(document, output, lambda: _shown(document))


@click.command("image-for")
@click.argument("name", metavar="NAME")
@click.argument("reference", metavar="REF")
@arch_option
@registry_options
@output_option
def image_for(*, name: str, reference: str, arch: Arch | None, registry: RegistrySettings, output: Output) -> None:
    """Print the pullspec of a component.

    NAME is the component's tag in the payload REF. The pullspec is the one that
    the payload holds; mirrors do not change it.

    \b
    Example:
      penstock payload image-for machine-os-images quay.example/release:4.20.1
    """  # noqa: D301  # \b keeps click from joining the lines
    release = run_async(_read(reference, arch, registry))
    pullspec = release.pullspec_for(name)
    platform = str(release.image.config.platform)
    document = {"document_version": 1, "name": name, "image": pullspec, "release": str(release.image.ref), "platform": platform}
    emit(document, output, lambda: pullspec)


async def _read(reference: str, arch: Arch | None, settings: RegistrySettings) -> "Release":
    from penstock.model.imageref import parse_reference
    from penstock.payload.release import read_release
    from penstock.payload.resolve import PlatformChoice
    from penstock.wiring import open_images

    ref = parse_reference(reference)
    async with open_images(settings) as images:
        return await read_release(images, ref, PlatformChoice(arch), lambda _event: None)


def _shown(document: Mapping[str, Any]) -> Shown:
    facts: list[tuple[str, object]] = [
        ("Name:", document["name"]),
        ("Version:", document["version"]),
        ("Digest:", document["digest"]),
        ("Created:", document["created"]),
        ("Architectures:", ", ".join(document["architectures"])),
        ("Shown:", f"{document['arch']}, {document['image']}"),
        ("Previous:", ", ".join(document["previous"])),
        ("Manifests:", document["manifests"]),
    ]
    facts += [(f"{key}:", value) for key, value in document["metadata"].items()]
    streams = [(each["name"], each["version"], each["stream_class"], each["display_name"]) for each in document["os_streams"]]
    components = [(each["name"], each["image"]) for each in document["components"]]
    shown: list[str | Table] = [Table((), facts), "\n"]
    if streams:
        shown += [Table(("os stream", "version", "class", "name"), streams), "\n"]
    return [*shown, Table(("component", "image"), components)]
