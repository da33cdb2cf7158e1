"""Versions in headers: a record comes with its ``ETag``; a change names in ``If-Match`` what it was made from."""

import re

from flask import Response, request

from billhook_common.errors import BadRequest, BillhookError

_TAG = re.compile(r'"([0-9]{1,18})"')


class VersionMissing(BadRequest):
    """Without the version that was seen, somebody else's change would be overwritten unseen."""

    status = 428
    title = "Say which version you change"


class VersionGone(BillhookError):
    """Somebody else changed the record since it was read."""

    status = 412
    title = "It was changed meanwhile"


def with_version(response: Response, version: int) -> Response:
    """The answer, with the record's version as its ETag."""
    response.headers["ETag"] = f'"{version}"'
    return response


def version_seen() -> int:
    """The version in If-Match. Raises VersionMissing, BadRequest."""
    given = request.headers.get("If-Match")
    if given is None:
        raise VersionMissing("Send If-Match with the ETag of the record that you read.")
    match = _TAG.fullmatch(given.strip())
    if match is None:
        raise BadRequest('If-Match is the ETag of one version, such as "3".')
    return int(match.group(1))


def check_version(seen: int, present: int) -> None:
    """Raise VersionGone unless the version that was seen is the present one."""
    if seen != present:
        raise VersionGone(f"You changed version {seen}; the present one is {present}. Read it again.")
