"""The delivery log over HTTP: what was sent, what waits, what failed and why; a failed letter is sent again."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import select

from billhook_common.api import AnyRow, Blueprint, PageSchema, ctx, page_of
from billhook_common.auth import requires
from billhook_common.lists import ListQuery
from billhook_common.mail.queue import retry_letter
from billhook_common.tables import mail

STATES = ("queued", "deferred", "sent", "failed")


class LetterSchema(Schema):
    """A letter and what became of it; never its content."""

    id = fields.UUID()
    template = fields.String()
    recipient = fields.String()
    recipient_name = fields.String()
    subject = fields.String(allow_none=True, metadata={"description": "Null before it was first tried."})
    about = fields.UUID(allow_none=True)
    state = fields.String(validate=validate.OneOf(STATES))
    created_at = fields.AwareDateTime()
    next_at = fields.AwareDateTime(metadata={"description": "When it is tried next, while it waits."})
    sent_at = fields.AwareDateTime(allow_none=True)
    attempts = fields.Integer()
    last_error = fields.String(allow_none=True)


class LetterPageSchema(PageSchema):
    """A page of letters."""

    items = fields.List(fields.Nested(LetterSchema))


class LetterQuerySchema(ListQuery):
    """Which letters."""

    state = fields.String(validate=validate.OneOf(STATES))


def mail_blueprint(permission: str) -> Blueprint:
    """``/mail`` of a service, for those who hold ``permission``."""
    blueprint = Blueprint("mail", __name__, url_prefix="/mail", description="Letters: sent, waiting, failed")

    @blueprint.route("", methods=["GET"])
    @requires(permission)
    @blueprint.arguments(LetterQuerySchema, location="query")
    @blueprint.response(200, LetterPageSchema)
    def list_letters(wanted: dict[str, Any]) -> Response:
        """Newest first."""
        statement = select(mail)
        if "state" in wanted:
            statement = statement.where(mail.c.state == wanted["state"])
        return page_of(ctx.session, statement, [(mail.c.id, "desc")], _item)

    @blueprint.route("/<uuid:letter_id>/retry", methods=["POST"])
    @requires(permission)
    @blueprint.response(204)
    def retry(letter_id: UUID) -> Response:
        """Send a failed letter again, with the next step of the job."""
        retry_letter(ctx.session, ctx.clock, letter_id)
        return Response(status=204)

    return blueprint


def _item(row: AnyRow) -> dict[str, Any]:
    item: dict[str, Any] = LetterSchema().dump(row)
    return item
