"""Clouds from which images are deleted."""

import pytest
from tests.unit.publish.delete.deletebench import Bench


@pytest.fixture
def bench() -> Bench:
    """Clouds in which nothing stands."""
    return Bench()
