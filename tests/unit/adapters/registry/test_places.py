"""Mirrors in order, then the source; what each of them said."""

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from penstock.adapters.registry import Images
from penstock.formats.oci.descriptor import OCI_MANIFEST, RawManifest
from penstock.model.errors import DigestMismatch, NotFoundError, OperationError, TransientError
from penstock.model.mirrors import Mirror, MirrorRule, MirrorRules, PullFrom

if TYPE_CHECKING:
    from tests.unit.adapters.registry.conftest import Asked, Handler, Reply, Stand, StandMaker, Web

CONTENT = b"a layer" * 5000
MANIFEST = RawManifest.of(json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": {}, "layers": []}).encode(), OCI_MANIFEST)


def _good(web: "Web") -> "Handler":
    plain = web.plain_registry({str(web.blob(CONTENT).digest): CONTENT})

    def handle(asked: "Asked") -> "Reply":
        return web.Reply(200, MANIFEST.content, {"Content-Type": OCI_MANIFEST}) if "/manifests/" in asked.path else plain(asked)

    return handle


def _wrong_bytes(web: "Web") -> "Handler":
    def handle(asked: "Asked") -> "Reply":
        if "/manifests/" in asked.path:
            return web.Reply(200, MANIFEST.content + b" ", {"Content-Type": OCI_MANIFEST})
        return web.Reply() if asked.path == "/v2/" else web.Reply(200, CONTENT[::-1])

    return handle


def _rules(source: "Stand", *mirrors: str, blocked: bool = False) -> MirrorRules:
    return MirrorRules((MirrorRule(f"{source.registry}/team", mirrors=tuple(Mirror(place) for place in mirrors), blocked=blocked),))


def _bad(web: "Web", kind: str) -> "Handler":
    """A mirror that fails in the given way."""
    if kind == "other bytes":
        return _wrong_bytes(web)
    status = {"absent": 404, "broken": 503, "forbidden": 403, "closed": 401}[kind]
    return lambda _: web.Reply(status)


@pytest.mark.parametrize("kind", ["absent", "broken", "forbidden", "closed", "other bytes"])
def test_when_a_mirror_fails_the_next_place_is_asked(stand: "StandMaker", web: "Web", kind: str) -> None:
    async def scenario() -> None:
        async with stand(_bad(web, kind)) as mirror, stand(_good(web)) as source:
            async with Images(web.options(mirrors=_rules(source, f"{mirror.registry}/copy"))) as images:
                ref = source.ref().with_digest(MANIFEST.digest)
                assert await images.fetch_manifest(ref) == MANIFEST
                assert await images.fetch_blob(ref, web.blob(CONTENT)) == CONTENT
                assert await images.has_blob(ref, web.blob(CONTENT)) is True
                if kind != "other bytes":  # of streamed blobs the reader hashes
                    assert await web.read(images, ref, web.blob(CONTENT)) == CONTENT
            assert mirror.asked
            assert all(path.startswith("/v2/copy/app/") for path in mirror.paths)

    asyncio.run(scenario())


def test_a_mirror_that_does_not_answer_is_passed_over_and_then_left_alone(stand: "StandMaker", web: "Web") -> None:
    async def scenario() -> list[str]:
        async with (
            stand(lambda _: web.Reply(503)) as mirror,
            stand(_good(web)) as source,
            Images(web.options(mirrors=_rules(source, mirror.registry))) as images,
        ):
            for _ in range(3):
                await images.fetch_manifest(source.ref())
            return mirror.paths

    assert len(asyncio.run(scenario())) == 2


def test_the_source_is_not_asked_where_a_mirror_has_it(stand: "StandMaker", web: "Web") -> None:
    async def scenario() -> None:
        async with stand(_good(web)) as mirror, stand(_good(web)) as source:
            async with Images(web.options(mirrors=_rules(source, mirror.registry))) as images:
                await images.fetch_manifest(source.ref())
                assert await web.read(images, source.ref(), web.blob(CONTENT)) == CONTENT
            assert source.asked == []

    asyncio.run(scenario())


@pytest.mark.parametrize("blocked", [True, False])
def test_a_mirror_of_tags_serves_what_the_tag_stands_for(stand: "StandMaker", web: "Web", blocked: bool) -> None:
    """As under an ImageTagMirrorSet alone, where the source cannot be reached."""

    async def scenario() -> None:
        async with stand(_good(web)) as mirror, stand(lambda _: web.Reply(503)) as source:
            tags_only = Mirror(f"{mirror.registry}/copy", pull_from=PullFrom.TAG_ONLY)
            rules = MirrorRules((MirrorRule(f"{source.registry}/team", mirrors=(tags_only,), blocked=blocked),))
            async with Images(web.options(mirrors=rules)) as images:
                pinned = source.ref().with_digest((await images.fetch_manifest(source.ref())).digest)
                assert await images.fetch_manifest(pinned) == MANIFEST
                assert await images.fetch_blob(pinned, web.blob(CONTENT)) == CONTENT
                assert await web.read(images, pinned, web.blob(CONTENT)) == CONTENT
            assert source.asked == []
            assert all(path.startswith("/v2/copy/app/") for path in mirror.paths)

    asyncio.run(scenario())


def test_a_mirror_of_tags_is_not_asked_for_a_digest_that_no_tag_led_to(stand: "StandMaker", web: "Web") -> None:
    async def scenario() -> None:
        async with stand(_good(web)) as mirror, stand(_good(web)) as source:
            tags_only = Mirror(f"{mirror.registry}/copy", pull_from=PullFrom.TAG_ONLY)
            rules = MirrorRules((MirrorRule(f"{source.registry}/team", mirrors=(tags_only,)),))
            async with Images(web.options(mirrors=rules)) as images:
                await images.fetch_manifest(source.ref("team/other:v1"))
                before = len(mirror.asked)
                assert await images.fetch_manifest(source.ref().with_digest(MANIFEST.digest)) == MANIFEST
                assert len(mirror.asked) == before

    asyncio.run(scenario())


def test_a_blob_that_a_mirror_cuts_is_finished_from_the_source(stand: "StandMaker", web: "Web") -> None:
    def dying(asked: "Asked") -> "Reply":
        return web.Reply() if asked.path == "/v2/" else web.Reply(200, CONTENT[:9000], length=len(CONTENT), cut=True)

    async def scenario() -> list[Any]:
        async with stand(dying) as mirror, stand(_good(web)) as source:
            async with Images(web.options(mirrors=_rules(source, mirror.registry))) as images:
                assert await web.read(images, source.ref(), web.blob(CONTENT)) == CONTENT
            return [asked.begins_at for asked in source.asked if "/blobs/" in asked.path]

    assert asyncio.run(scenario()) == [9000]


def test_a_mirror_that_announces_another_size_is_passed_over(stand: "StandMaker", web: "Web") -> None:
    async def scenario() -> None:
        async with (
            stand(lambda _: web.Reply(200, b"something else")) as mirror,
            stand(_good(web)) as source,
            Images(web.options(mirrors=_rules(source, mirror.registry))) as images,
        ):
            assert await web.read(images, source.ref(), web.blob(CONTENT)) == CONTENT

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("kinds", "error"),
    [
        (("absent", "absent"), NotFoundError),
        (("absent", "forbidden"), OperationError),
        (("broken", "absent"), TransientError),
        (("forbidden", "broken"), TransientError),
        (("other bytes", "absent"), DigestMismatch),
        (("broken", "other bytes"), DigestMismatch),
    ],
)
def test_when_all_fail_the_gravest_kind_is_raised_and_everyone_is_quoted(
    stand: "StandMaker", web: "Web", kinds: tuple[str, str], error: type[Exception]
) -> None:
    async def scenario() -> None:
        async with stand(_bad(web, kinds[0])) as mirror, stand(_bad(web, kinds[1])) as source:
            async with Images(web.options(mirrors=_rules(source, mirror.registry))) as images:
                with pytest.raises(error) as caught:
                    await images.fetch_manifest(source.ref().with_digest(MANIFEST.digest))
            said = f"{caught.value} {caught.value.hint}"  # type: ignore[attr-defined]
            assert type(caught.value) is error
            assert mirror.registry in said
            assert source.registry in said

    asyncio.run(scenario())


def test_a_source_that_is_forbidden_is_never_asked(stand: "StandMaker", web: "Web") -> None:
    async def scenario() -> None:
        async with stand(lambda _: web.Reply(404)) as mirror, stand(_good(web)) as source:
            async with Images(web.options(mirrors=_rules(source, mirror.registry, blocked=True))) as images:
                with pytest.raises(NotFoundError):
                    await images.fetch_manifest(source.ref())
            async with Images(web.options(mirrors=_rules(source, blocked=True))) as images:
                with pytest.raises(OperationError, match="must not be contacted"):
                    await images.fetch_manifest(source.ref())
            assert source.asked == []

    asyncio.run(scenario())


def test_a_push_goes_to_the_source_alone(stand: "StandMaker", web: "Web") -> None:
    def taking(asked: "Asked") -> "Reply":
        return web.Reply(201 if asked.method == "PUT" else 200, headers={})

    async def scenario() -> None:
        async with stand(_good(web)) as mirror, stand(taking) as source:
            async with Images(web.options(mirrors=_rules(source, mirror.registry))) as images:
                await images.push_manifest(source.ref(), MANIFEST)
            assert mirror.asked == []
            assert source.paths == ["/v2/team/app/manifests/v1"]

    asyncio.run(scenario())
