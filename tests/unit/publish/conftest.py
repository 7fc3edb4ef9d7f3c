"""Items, contents and things in clouds, as the tests of publishing build them."""

from collections.abc import Callable, Mapping
from datetime import date

import pytest

from penstock.model.digest import Digest
from penstock.model.push.items import AmiAttributes, BuildInfo, PushItem, ReleaseInfo


@pytest.fixture
def an_item() -> Callable[..., PushItem]:
    """Makes an item of RHEL 9.4; keywords replace its fields."""

    def build(**fields: object) -> PushItem:
        known: Mapping[str, object] = {
            "name": "rhel-9.4.raw.xz",
            "src": "/stage/starmap/CLOUD_IMAGES/rhel/rhel-9.4.raw.xz",
            "build": BuildInfo("rhel-ec2", "9.4", "1"),
            "release": ReleaseInfo("RHEL", date(2026, 5, 11), "x86_64", 1, "9.4"),
            "attributes": AmiAttributes(virtualization="hvm", volume="gp3"),
        }
        return PushItem(**{**known, **fields})  # type: ignore[arg-type]

    return build


@pytest.fixture
def content_digest() -> Digest:
    """Of some disk."""
    return Digest.of(b"a disk")
