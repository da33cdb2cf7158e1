"""The service under test."""

import pytest

from billhook_common.service import Service
from billhook_inventory.app import service as inventory


@pytest.fixture(scope="session")
def service() -> Service:
    """The inventory service."""
    return inventory
