"""Builds, releases and streams, small and whole."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from penstock.formats.codec import decode
from penstock.model.build import Build
from penstock.model.coreos_release import CoreosRelease
from penstock.model.stream import Stream
from penstock.streams.generate.builds_to_release import release_of_build
from penstock.streams.generate.naming import BuildAddress

BASE = "https://builds.example/streams"
MakeBuild = Callable[..., Build]
MakeRelease = Callable[..., CoreosRelease]
MakeStream = Callable[..., Stream]


@pytest.fixture
def build() -> MakeBuild:
    """``build(images={…}, **keys)``: the record of a ``meta.json``; keys in Python's spelling or in a mapping ``more``."""

    def make(build: str = "9.6.20250826-1", arch: str = "x86_64", *, more: Mapping[str, Any] | None = None, **keys: object) -> Build:
        tree: Any = {"buildid": build, "coreos-assembler.basearch": arch, "name": "rhcos", "ostree-commit": "c" * 64, "odd": [1], **keys}
        return decode({**tree, **(more or {})}, Build, subject="meta.json")

    return make


@pytest.fixture
def release() -> MakeRelease:
    """``release(build, stream=…, signatures=…)``: the release that has the build alone."""

    def make(build: Build, *, stream: str = "rhel-9.6", signatures: bool = False) -> CoreosRelease:
        return release_of_build(build, stream, BuildAddress(BASE, stream, build.id, build.arch), signatures=signatures)

    return make


@pytest.fixture
def stream() -> MakeStream:
    """``stream("name", {"x86_64": "build", …})``: a stream with one artifact for each architecture."""

    def make(
        name: str, builds: Mapping[str, str], *, last_modified: str = "2025-01-01T00:00:00Z", more: Mapping[str, Any] | None = None
    ) -> Stream:
        architectures = {arch: {"artifacts": {"qemu": {"release": build, "formats": {}}}, "images": {}} for arch, build in builds.items()}
        tree = {"stream": name, "metadata": {"last-modified": last_modified}, "architectures": architectures, **(more or {})}
        return decode(tree, Stream, subject="stream.json")

    return make
