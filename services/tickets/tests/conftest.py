"""The service under test."""

import pytest

from billhook_common.service import Service
from billhook_tickets.app import service as tickets


@pytest.fixture(scope="session")
def service() -> Service:
    """The tickets service."""
    return tickets
