"""The document of all services at the door: for those who are known, without the services that are away."""

import pytest

from billhook_gateway.testing import Gate

pytestmark = pytest.mark.integration


def test_the_document_has_the_gateways_own_paths_and_names_who_is_away(gate: Gate) -> None:
    answer = gate.browser("finance").get("/api/openapi.json")
    assert answer.status_code == 200
    document = answer.json
    assert document["paths"]["/api/gateway/users"]["get"]["x-permission"] == "gateway:admin"
    assert document["x-missing"] == ["echo"]  # it answers, but not with a document


def test_strangers_are_told_nothing(gate: Gate) -> None:
    assert gate.app.test_client().get("/api/openapi.json").status_code == 401
