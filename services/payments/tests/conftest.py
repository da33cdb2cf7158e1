"""The service under test."""

import pytest

from billhook_common.service import Service
from billhook_payments.app import service as payments


@pytest.fixture(scope="session")
def service() -> Service:
    """The payments service."""
    return payments
