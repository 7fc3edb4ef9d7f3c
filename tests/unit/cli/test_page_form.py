"""Whether the image service's page takes configs."""

from pathlib import Path

import pytest

from penstock.cli.images.serve_work import takes_configs
from penstock.wiring.imageservice import BackendSettings

FOLDER = BackendSettings(config_dir=Path("hosts"))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_on_loopback_the_page_takes_configs_unless_told_otherwise(address: str) -> None:
    assert takes_configs(FOLDER, address, page_form=None)
    assert not takes_configs(FOLDER, address, page_form=False)


@pytest.mark.parametrize("address", [None, "", "0.0.0.0", "::", "192.0.2.1", "images.example.com", "localhost.example.com"])
def test_elsewhere_the_page_takes_configs_where_that_was_said_alone(address: str | None) -> None:
    assert not takes_configs(FOLDER, address, page_form=None)
    assert takes_configs(FOLDER, address, page_form=True)


def test_what_assisted_service_says_cannot_be_stored_here() -> None:
    assert not takes_configs(BackendSettings(host="assisted-service:8090"), "127.0.0.1", page_form=True)
