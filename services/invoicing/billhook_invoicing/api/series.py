"""Number series: what they look like, what comes next, and the proof that nothing is missing (I3, R10)."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import select

from billhook_common.api import Blueprint, PageSchema, ctx, json_response
from billhook_common.auth import requires
from billhook_common.errors import NotFound
from billhook_common.etags import versioned, versioned_response
from billhook_common.fields import PlainText
from billhook_invoicing.actions.change_series import SeriesChanges, change_series
from billhook_invoicing.actions.number import next_value, pattern_of
from billhook_invoicing.actions.verify import verify_series
from billhook_invoicing.domain.numbering import NumberTooLong
from billhook_invoicing.models import Series

blueprint = Blueprint("series", __name__, url_prefix="/series", description="Number series of documents")

RESETS = ("never", "year", "month")
_HIGHEST = 10**15


class SeriesSchema(Schema):
    """How documents of a kind are numbered; ``next_number`` is what one issued today would get, null if it cannot."""

    id = fields.UUID()
    version = fields.Integer()
    kind = fields.String()
    pattern = fields.String(metadata={"example": "INV-{year}-{next|6}"})
    reset = fields.String(validate=validate.OneOf(RESETS))
    next = fields.Integer()
    next_number = fields.String(allow_none=True)
    last_issued_on = fields.Date(allow_none=True)


class SeriesPageSchema(PageSchema):
    """All series."""

    items = fields.List(fields.Nested(SeriesSchema))


class SeriesChangesSchema(Schema):
    """What is to be changed; ``next`` only before the first number of a counter."""

    pattern = PlainText(100, least=1)
    reset = fields.String(validate=validate.OneOf(RESETS))
    next = fields.Integer(strict=True, validate=validate.Range(1, _HIGHEST))


class DifferenceSchema(Schema):
    """Something that is wrong with the numbers."""

    rule = fields.String()
    detail = fields.String()


class SeriesAuditSchema(Schema):
    """The proof; no differences: every number is there once, and their days never go back."""

    checked_at = fields.AwareDateTime()
    gapless = fields.Boolean()
    differences = fields.List(fields.Nested(DifferenceSchema))


@blueprint.route("", methods=["GET"])
@requires("invoicing:read")
@blueprint.response(200, SeriesPageSchema)
def list_series() -> Response:
    """All series, by kind."""
    items = [_series(series) for series in ctx.session.scalars(select(Series).order_by(Series.kind))]
    return json_response({"items": items, "next": None})


@blueprint.route("/<uuid:series_id>", methods=["GET"])
@requires("invoicing:read")
@blueprint.response(200, SeriesSchema)
def get_series(series_id: UUID) -> Response:
    """One series."""
    return versioned_response(_series(_found(series_id)))


@blueprint.route("/<uuid:series_id>", methods=["PATCH"])
@requires("invoicing:write")
@versioned(required=True)
@blueprint.arguments(SeriesChangesSchema)
@blueprint.response(200, SeriesSchema)
def patch_series(body: dict[str, Any], series_id: UUID, seen: int | None) -> Response:
    """Change pattern, reset or first value for the documents to come; what is issued keeps its number."""
    changed = change_series(ctx.session, ctx.clock, series_id, SeriesChanges(**body), seen=seen)
    return versioned_response(_series(changed))


@blueprint.route("/<uuid:series_id>/audit", methods=["GET"])
@requires("invoicing:read")
@blueprint.response(200, SeriesAuditSchema)
def audit_series(series_id: UUID) -> Response:
    """Prove the numbers now; a job does the same for all series once a day."""
    found = verify_series(ctx.session, _found(series_id).id)
    differences = [{"rule": difference.rule, "detail": difference.detail} for difference in found]
    return json_response({"checked_at": ctx.clock.now(), "gapless": not found, "differences": differences})


def _found(series_id: UUID) -> Series:
    series = ctx.session.get(Series, series_id)
    if series is None:
        raise NotFound("There is no such series.")
    return series


def _series(series: Series) -> dict[str, Any]:
    coming = next_value(ctx.session, series, ctx.clock.today())
    number: str | None = None
    # A counter that has outgrown its pattern must still be shown to whoever is to mend it.
    with suppress(NumberTooLong):
        number = pattern_of(series).number(coming.value, coming.issued_on)
    return {
        "id": series.id,
        "version": series.version,
        "kind": series.kind,
        "pattern": series.pattern,
        "reset": series.reset,
        "next": coming.value,
        "next_number": number,
        "last_issued_on": series.last_issued_on,
    }
