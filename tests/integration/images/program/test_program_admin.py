"""Images that are added and removed over the admin API: who may, and what of it is left after a restart."""

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.images.program.conftest import Child, Kit, Programs, Site

BUILD, OTHER = "417.94.202501221327-0", "416.94.1-0"


class Admin:
    """Who shows the token."""

    def __init__(self, programs: "Programs", site: "Site", kit: "Kit") -> None:
        self._programs = programs
        self.site = site
        self.kit = kit
        site.files |= {"/a.iso": kit.iso(BUILD), "/b.iso": kit.iso(OTHER)}
        self.entry = site.entry("4.16", OTHER, "/b.iso")
        self._token = programs.folder / "token"
        self._token.write_text(kit.planted["admin"] + "\n")
        self.child = self.start()

    def start(self) -> "Child":
        listed = self._programs.list_of(self.site.entry("4.17", BUILD, "/a.iso"))
        self.child = self._programs.serve("--os-images-file", listed, "--admin-token-file", self._token)
        assert self.child.urls
        assert self.kit.eventually(self.child.is_ready)
        return self.child

    def restart(self) -> None:
        assert self.child.stop() == 0
        self.start()

    def add(self, token: str | None = None) -> int:
        body = json.dumps({"os_image": self.entry}).encode()
        return self.child.ask("/v1/images", method="POST", body=body, Authorization=f"Bearer {token or self.kit.planted['admin']}").status

    def remove(self, version: str) -> int:
        name = self.child.images()[version]["id"]
        return self.child.ask(f"/v1/images/{name}", method="DELETE", Authorization=f"Bearer {self.kit.planted['admin']}").status


@pytest.fixture
def admin(programs: "Programs", site: "Site", kit: "Kit") -> Admin:
    return Admin(programs, site, kit)


def test_what_was_added_and_removed_with_the_token_stays_so_over_a_restart(admin: Admin, kit: "Kit") -> None:
    assert admin.add(kit.planted["token"]) == 401
    assert admin.add() == 201
    assert kit.eventually(lambda: admin.child.is_ready("4.16"))
    assert admin.remove("4.17") == 204
    assert admin.child.iso("4.17").status == 404
    admin.restart()
    assert set(admin.child.images()) == {"4.16"}
    assert kit.is_made_of(admin.child.iso("4.16").body, kit.iso(OTHER))
    assert admin.site.asked_for("/b.iso") == [None]
    assert admin.remove("4.16") == 204
    assert admin.child.images() == {}
