"""The service under test: the smallest there is."""

import pytest

from billhook_common.service import Service
from billhook_common.testing.sample import sample_service


@pytest.fixture(scope="session")
def service() -> Service:
    """The sample service."""
    return sample_service()
