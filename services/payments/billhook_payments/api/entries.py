"""Bank entries: the queue, one entry with its candidates, and what a person decides about it."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields, validate

from billhook_common.api import Blueprint, MoneyField, ctx, json_response, page_of
from billhook_common.auth import requires
from billhook_common.fields import PlainText
from billhook_common.lists import ListQuery
from billhook_payments.actions import review
from billhook_payments.actions.name_documents import Named
from billhook_payments.api.shown_entries import (
    EntryPageSchema,
    OneEntrySchema,
    entry_detail,
    entry_item,
    listed_entries,
)
from billhook_payments.domain.states import VIEWS
from billhook_payments.models import Entry
from billhook_payments.queries import in_states

blueprint = Blueprint("entries", __name__, url_prefix="/entries", description="Lines of bank statements")


class EntryFilterSchema(ListQuery):
    """Which entries: a state, ``to_check`` (proposed and queued) or ``matched``."""

    state = fields.String(validate=validate.OneOf(tuple(VIEWS)))


class NamedDocumentSchema(Schema):
    """A document that is paid; without ``amount`` as much of it as the payment covers."""

    document_id = fields.UUID(required=True)
    amount = MoneyField(load_default=None, allow_none=True)


class AcceptanceSchema(Schema):
    """Whose the entry is. Without ``documents`` those that the rules found; ``remember_iban``: pairs it next time."""

    customer_id = fields.UUID(required=True)
    documents = fields.List(fields.Nested(NamedDocumentSchema), validate=validate.Length(max=100))
    remember_iban = fields.Boolean(load_default=True)


class PartSchema(Schema):
    """One customer's part of an entry."""

    customer_id = fields.UUID(required=True)
    amount = MoneyField(required=True)
    documents = fields.List(fields.Nested(NamedDocumentSchema), validate=validate.Length(max=100))


class SplitSchema(Schema):
    """The parts sum to the amount of the entry."""

    parts = fields.List(fields.Nested(PartSchema), required=True, validate=validate.Length(2, 50))


class IgnoreSchema(Schema):
    """Why it is no customer's money."""

    reason = PlainText(200, least=1, required=True)


class UndoSchema(Schema):
    """Why a decision is taken back."""

    reason = PlainText(200, load_default="Paired with the wrong customer")


@blueprint.route("", methods=["GET"])
@requires("payments:read")
@blueprint.arguments(EntryFilterSchema, location="query")
@blueprint.response(200, EntryPageSchema)
def list_entries(wanted: dict[str, Any]) -> Response:
    """The queue of all statements, oldest first: what a person has to check, unless another state is asked for."""
    statement = listed_entries().where(in_states(VIEWS[wanted.get("state", "to_check")]))
    return page_of(ctx.session, statement, [(Entry.booked_on, "asc"), (Entry.id, "asc")], entry_item)


@blueprint.route("/<uuid:entry_id>", methods=["GET"])
@requires("payments:read")
@blueprint.response(200, OneEntrySchema)
def get_entry(entry_id: UUID) -> Response:
    """One entry with its candidates, best first, and the reasons in words."""
    return _one(entry_id)


@blueprint.route("/<uuid:entry_id>/accept", methods=["POST"])
@requires("payments:pair")
@blueprint.arguments(AcceptanceSchema)
@blueprint.response(200, OneEntrySchema)
def accept(body: dict[str, Any], entry_id: UUID) -> Response:
    """Post the entry for a customer."""
    accepted = review.Acceptance(body["customer_id"], _named(body), body["remember_iban"])
    review.accept_entry(ctx.session, ctx.clock, entry_id, accepted, home=ctx.config.currency, by=ctx.identity.name)
    return _one(entry_id)


@blueprint.route("/<uuid:entry_id>/split", methods=["POST"])
@requires("payments:pair")
@blueprint.arguments(SplitSchema)
@blueprint.response(200, OneEntrySchema)
def split(body: dict[str, Any], entry_id: UUID) -> Response:
    """Post the entry for several customers."""
    parts = [review.Part(part["customer_id"], part["amount"], _named(part)) for part in body["parts"]]
    home = ctx.config.currency
    review.split_entry(ctx.session, ctx.clock, entry_id, parts, home=home, by=ctx.identity.name)
    return _one(entry_id)


@blueprint.route("/<uuid:entry_id>/ignore", methods=["POST"])
@requires("payments:pair")
@blueprint.arguments(IgnoreSchema)
@blueprint.response(200, OneEntrySchema)
def ignore(body: dict[str, Any], entry_id: UUID) -> Response:
    """Leave the entry out: it is no customer's money."""
    review.ignore_entry(ctx.session, ctx.clock, entry_id, reason=body["reason"], by=ctx.identity.name)
    return _one(entry_id)


@blueprint.route("/<uuid:entry_id>/restore", methods=["POST"])
@requires("payments:pair")
@blueprint.response(200, OneEntrySchema)
def restore(entry_id: UUID) -> Response:
    """Put an ignored entry back into the queue."""
    review.restore_entry(ctx.session, ctx.clock, entry_id)
    return _one(entry_id)


@blueprint.route("/<uuid:entry_id>/undo", methods=["POST"])
@requires("payments:pair")
@blueprint.arguments(UndoSchema)
@blueprint.response(200, OneEntrySchema)
def undo(body: dict[str, Any], entry_id: UUID) -> Response:
    """Take the decision back, whatever it was; what was posted is reversed (R52)."""
    review.undo_entry(ctx.session, ctx.clock, entry_id, reason=body["reason"], by=ctx.identity.name)
    return _one(entry_id)


def _named(body: dict[str, Any]) -> list[Named] | None:
    documents = body.get("documents")
    return None if documents is None else [Named(one["document_id"], one["amount"]) for one in documents]


def _one(entry_id: UUID) -> Response:
    return json_response(entry_detail(ctx.session, entry_id))
