"""Is the gateway alive, is it ready, what does it measure."""

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST

from billhook_common.api import json_response
from billhook_common.auth import public
from billhook_common.metrics import exposition
from billhook_gateway.backends import BackendRequest
from billhook_gateway.door import door

blueprint = Blueprint("health", __name__)


@blueprint.route("/livez")
@public
def livez() -> Response:
    """The process answers."""
    return json_response({"status": "ok"})


@blueprint.route("/readyz")
@public
def readyz() -> Response:
    """The gateway's own database is there and migrated. Services have their own probes: one down is not all down."""
    answer = door().backend.call("gateway", BackendRequest(method="GET", path="/readyz"), None)
    return Response(answer.read(), status=answer.status, content_type=answer.headers.get("Content-Type"))


@blueprint.route("/metrics")
@public
def metrics() -> Response:
    """Figures for Prometheus."""
    return Response(exposition(), content_type=CONTENT_TYPE_LATEST)
