"""What stands in AWS Marketplace after a push is what pubtools-marketplacesvm leaves there; differences are deliberate, and named."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.integration.publish.peermarket.conftest import CASES, DIFFERENT, TITLE

pytestmark = pytest.mark.integration

KNOWN: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("market_end_states.json").read_text())
NAME, ARM_NAME = "RHEL-9.4_HVM-20260511-x86_64-1", "RHEL-9.4_HVM-20260511-arm64-1"
End = Callable[..., dict[str, Any]]
