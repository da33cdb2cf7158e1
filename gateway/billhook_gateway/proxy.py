"""``/api/<service>/…``: hands a request on to exactly one service, and its answer back."""

import unicodedata

from flask import Blueprint, Response, request

from billhook_common.auth import signed_in
from billhook_common.errors import NotFound
from billhook_gateway.backends import BackendRequest, BackendResponse, Body
from billhook_gateway.door import caller, door, onward_headers

blueprint = Blueprint("proxy", __name__, url_prefix="/api")

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
SENT_ON = {
    "Accept": "HTTP_ACCEPT",
    "Accept-Language": "HTTP_ACCEPT_LANGUAGE",
    "Content-Type": "CONTENT_TYPE",
    "Idempotency-Key": "HTTP_IDEMPOTENCY_KEY",
    "If-Match": "HTTP_IF_MATCH",
    "If-None-Match": "HTTP_IF_NONE_MATCH",
    "Range": "HTTP_RANGE",
}
"""Request headers that services see, and their WSGI names. What is not named does not pass: cookies, identities,
hop-by-hop headers."""
SENT_BACK = frozenset(
    {
        *("content-type", "content-length", "content-disposition", "content-language", "content-range"),
        *("accept-ranges", "etag", "last-modified", "location", "retry-after", "idempotent-replayed", "allow"),
    }
)
"""Answer headers that callers see."""
SMALL_TYPES = frozenset({"application/json", "application/x-www-form-urlencoded", ""})
"""Bodies under the smaller limit; any other is an upload. The service has its own limits for each route."""


class NoSuchPath(NotFound):
    """A path that services do not have, and that might mean something else further on."""

    title = "There is no such path"


@blueprint.route("/<service>", defaults={"path": ""}, methods=METHODS)
@blueprint.route("/<service>/<path:path>", methods=METHODS)
@signed_in
def hand_on(service: str, path: str) -> Response:
    """The service's own answer; 404 for an unknown service, 503 naming one that does not answer."""
    body = _body()
    sent = request.environ
    headers = {name: sent[key] for name, key in SENT_ON.items() if key in sent} | onward_headers()
    if not isinstance(body, bytes):
        headers["Content-Length"] = str(request.content_length)
    asked = BackendRequest(
        method=request.method,
        path=f"/{_plain(path)}",
        query=request.query_string.decode("latin-1"),
        headers=headers,
        body=body,
        wait_seconds=door().settings.service_wait_seconds,
    )
    return _response(service, door().backend.call(service, asked, caller().identity))


def _body() -> Body:
    """A small body as bytes, which can be sent again; a large one as a stream. Raises RequestEntityTooLarge."""
    settings = door().settings
    small = settings.body_limit_bytes
    is_upload = request.mimetype not in SMALL_TYPES
    request.max_content_length = settings.upload_limit_bytes if is_upload else small
    if request.content_length is None or request.content_length <= small:
        return request.get_data(cache=False)
    return request.stream


def _plain(path: str) -> str:
    """The path, when it means the same to everybody: no dot segments, backslashes, control characters.

    The server has decoded it once, so ``%2e%2e`` and ``%2f`` are dots and slashes here. Raises NoSuchPath.
    """
    odd = any(character == "\\" or unicodedata.category(character) in {"Cc", "Cs"} for character in path)
    if odd or "\ufffd" in path or not {".", ".."}.isdisjoint(path.split("/")):
        raise NoSuchPath
    return path


def _response(service: str, answer: BackendResponse) -> Response:
    response = Response(answer.chunks, status=answer.status, direct_passthrough=True)
    response.headers.clear()
    response.headers.extend((name, value) for name, value in answer.headers if name.lower() in SENT_BACK)
    location = answer.headers.get("Location", "")
    if location.startswith("/") and not location.startswith("//"):
        response.headers["Location"] = f"/api/{service}{location}"
    response.call_on_close(answer.close)
    return response
