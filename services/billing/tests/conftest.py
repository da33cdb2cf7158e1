"""The service under test."""

import pytest

from billhook_billing.app import service as billing
from billhook_common.service import Service


@pytest.fixture(scope="session")
def service() -> Service:
    """The billing service."""
    return billing
