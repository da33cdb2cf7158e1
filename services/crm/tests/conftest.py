"""The service under test, and how a file is sent to it."""

from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from billhook_common.service import Service
from billhook_common.testing import Client
from billhook_crm.app import service as crm

Send = Callable[..., TestResponse]


@pytest.fixture(scope="session")
def service() -> Service:
    """The crm service."""
    return crm


@pytest.fixture
def send() -> Send:
    """Uploads bytes as a browser does: ``send(client, content, filename)``."""

    def post(client: Client, content: bytes | str, filename: str = "customers.csv", **options: str) -> TestResponse:
        raw = content.encode() if isinstance(content, str) else content
        head = f'--limit\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n\r\n'
        body = head.encode() + raw + b"\r\n--limit--\r\n"
        return client.post("/imports", data=body, content_type="multipart/form-data; boundary=limit", **options)

    return post
