"""Each image is asked for where its entry says."""

import asyncio

import pytest

from penstock.adapters.imageorigins import AnyOrigin
from penstock.model.arch import Arch
from penstock.model.osimage import Brought, FileOrigin, Origin, PayloadOrigin, UrlOrigin, Wanted
from penstock.ports import ProgressSink


class Named:
    """An origin that says its name."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def key(self, wanted: Wanted) -> str:
        return f"{self.name} {wanted.openshift_version}"

    async def bring(self, wanted: Wanted, folder: str, progress: ProgressSink) -> tuple[Brought, ...]:
        raise LookupError(f"{self.name} {wanted.openshift_version} {folder} {progress.__name__}")


ORIGINS = [(UrlOrigin("https://h/x"), "web"), (PayloadOrigin("h/r:1", "4.18.1"), "payloads"), (FileOrigin("/x.iso"), "standing")]


def sink(_event: object) -> None:
    """Nowhere."""


@pytest.mark.parametrize(("origin", "name"), ORIGINS)
def test_an_image_is_asked_for_where_its_entry_says(origin: Origin, name: str) -> None:
    every = AnyOrigin(web=Named("web"), payloads=Named("payloads"), standing=Named("standing"))
    wanted = Wanted("4.18", Arch.X86_64, origin)
    assert asyncio.run(every.key(wanted)) == f"{name} 4.18"
    with pytest.raises(LookupError, match=rf"^{name} 4\.18 folder sink$"):
        asyncio.run(every.bring(wanted, "folder", sink))
