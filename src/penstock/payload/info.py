"""What a release payload says of itself, as one document."""

from typing import Any

from penstock.formats.oci.image import ImageIndex, parse_manifest
from penstock.model.arch import Arch
from penstock.model.errors import InputError, VerificationError
from penstock.model.record import given
from penstock.model.release import MACHINE_OS, Label, OsPair
from penstock.payload.release import Release
from penstock.payload.versions import Report, reports_of

VERSION = 1


def release_document(release: Release) -> dict[str, Any]:
    """The document of ``payload info``; keys are only ever added to it.

    Raises:
        VerificationError: the image is for an unknown architecture.
    """
    image, metadata = release.image, release.metadata
    created = image.config.created_at
    return {
        "document_version": VERSION,
        "reference": str(release.asked),
        "name": release.name,
        "version": release.version,
        "digest": str(image.indexes[0].digest if image.indexes else image.raw.digest),
        "created": created.isoformat().replace("+00:00", "Z") if created else None,
        "arch": release.arch.value,
        "architectures": [arch.value for arch in architectures(release)],
        "image": str(image.ref),
        "base_image_digest": image.config.labels.get(Label.BASE_IMAGE_DIGEST),
        "previous": list((given(metadata.previous) if metadata else None) or ()),
        "next": list((given(metadata.next) if metadata else None) or ()),
        "metadata": dict((given(metadata.metadata) if metadata else None) or {}),
        "os_streams": [_os_stream(release, pair) for pair in release.os_streams],
        "boot_images": _boot_images(release),
        "component_versions": _component_versions(release),
        "components": [
            {"name": tag.name, "image": tag.pullspec, "annotations": dict(given(tag.annotations) or {})} for tag in release.references.tags
        ],
        "manifests": len(release.manifests),
    }


def architectures(release: Release) -> list[Arch]:
    """The architectures of the payload: those of its index, else the image's own."""
    found = {release.arch}
    for raw in release.image.indexes:
        index = parse_manifest(raw, subject=str(release.asked))
        if isinstance(index, ImageIndex):
            present = {item.platform.architecture for item in index.manifests if item.platform and item.platform.os == "linux"}
            found |= {arch for arch in Arch if arch.oci in present}
    return [arch for arch in Arch if arch in found]


def _reports(release: Release, name: str) -> list[Report]:
    """What a component reports; nothing where its annotations cannot be read, which ``verify`` tells."""
    tag = release.tag(name)
    try:
        return reports_of(tag) if tag else []
    except InputError:
        return []


def _os_stream(release: Release, pair: OsPair) -> dict[str, Any]:
    machine_os = next((report for report in _reports(release, pair.image) if report.key == MACHINE_OS), None)
    tag = release.tag(pair.image)
    return {
        "name": pair.image,
        "image": release.references.pullspec_of(pair.image),
        "extensions": release.references.pullspec_of(pair.extensions),
        "version": machine_os.version if machine_os else None,
        "display_name": (machine_os.display_name or None) if machine_os else None,
        "stream_class": ((tag.annotation(Label.STREAM_CLASS) or tag.annotation(Label.OS_STREAM)) if tag else "") or None,
    }


def _boot_images(release: Release) -> dict[str, Any] | None:
    try:
        found = release.bootimages
    except VerificationError as error:
        return {"problem": str(error)}
    if found is None:
        return None
    default = given(found.default.stream) if found.default else None
    return {"release_version": found.release_version, "default": default, "streams": sorted(found.named or {})}


def _component_versions(release: Release) -> list[dict[str, Any]]:
    """Every version that is reported, with the components that report it."""
    said: dict[tuple[str, str, str], list[str]] = {}
    for tag in release.references.tags:
        for report in _reports(release, tag.name):
            said.setdefault((report.key, report.version, report.display_name), []).append(report.tag)
    return [
        {"name": key, "version": version, "display_name": name or None, "components": tags}
        for (key, version, name), tags in sorted(said.items())
    ]
