"""The stream of a mirror: every address leads to the file of the same name under one base address, as ``plume stream-mirror`` writes it."""

from collections.abc import Callable, Collection
from urllib.parse import urlunsplit

from penstock.model.errors import InputError
from penstock.model.record import given
from penstock.model.stream import Artifact, ImageFormat, Stream, StreamArch
from penstock.streams.artifacts import artifacts_of, parts_of
from penstock.streams.mirroring.selection import parse_address, unite


def rewrite_locations(stream: Stream, base: str, *, names: Collection[str] | None = None, signatures: bool = True) -> Stream:
    """The same stream with its files at ``base``; nothing else changes, and ``stream`` does not.

    Args:
        stream: the stream that was mirrored.
        base: the address of the folder.
        names: rewrite the files of these names alone; None for all, mirrored or not.
        signatures: False takes the signatures of rewritten files out: they were not mirrored.

    Raises:
        InputError: ``base`` is no address, or two files would have the same one.
    """
    base_url = parse_base(base)

    def moved(artifact: Artifact) -> Artifact:
        if names is not None and artifact.file_name not in names:
            return artifact
        changed = artifact.with_fields(location=base_url(artifact.file_name))
        if not given(artifact.signature):
            return changed
        return changed.with_fields(signature=base_url(f"{artifact.file_name}.sig")) if signatures else _without_signature(changed)

    unite((found for found in artifacts_of(stream) if names is None or found.artifact.file_name in names), signatures=signatures)
    return stream.with_fields(architectures={name: _rewritten(arch, moved) for name, arch in stream.architectures.items()})


def parse_base(base: str) -> Callable[[str], str]:
    """What gives the address of a file name under ``base``.

    Raises:
        InputError: ``base`` is no HTTP address.
    """
    parts = parse_address(base)
    if parts is None:
        raise InputError(f"{base!r} is no HTTP address", subject="--url", hint="for example https://mirror.example/coreos")
    folder = parts.path.rstrip("/")
    return lambda name: urlunsplit(parts._replace(path=f"{folder}/{name}"))


def _without_signature(artifact: Artifact) -> Artifact:
    return Artifact(
        location=artifact.location, sha256=artifact.sha256, uncompressed_sha256=artifact.uncompressed_sha256, extra=artifact.extra
    )


def _rewritten(arch: StreamArch, moved: Callable[[Artifact], Artifact]) -> StreamArch:
    platforms = given(arch.artifacts)
    if platforms is None:
        return arch
    changed = {}
    for platform, artifacts in platforms.items():
        formats = given(artifacts.formats)
        if formats is None:
            changed[platform] = artifacts
            continue
        changed[platform] = artifacts.with_fields(formats={name: _moved(entry, moved) for name, entry in formats.items()})
    return arch.with_fields(artifacts=changed)


def _moved(entry: ImageFormat, moved: Callable[[Artifact], Artifact]) -> ImageFormat:
    return entry.with_fields(**{part: moved(artifact) for part, artifact in parts_of(entry)})
