"""The service under test."""

import pytest

from billhook_common.service import Service
from billhook_invoicing.app import service as invoicing


@pytest.fixture(scope="session")
def service() -> Service:
    """The invoicing service."""
    return invoicing
