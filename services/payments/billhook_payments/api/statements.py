"""Bank statements: upload a file, list, review, post; the file as it came."""

from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest.fields import Upload
from marshmallow import Schema, fields, validate
from sqlalchemy import and_, func, select

from billhook_common.api import AnyRow, Blueprint, MoneyField, PageSchema, ctx, json_response, page_of
from billhook_common.auth import requires
from billhook_common.db import AnySelect
from billhook_common.errors import NotFound
from billhook_common.lists import ListQuery
from billhook_common.money import Money
from billhook_payments.actions.import_file import UploadedFile, import_file
from billhook_payments.actions.review import post_statement
from billhook_payments.api.entries import EntryFilterSchema
from billhook_payments.api.shown_entries import EntryPageSchema, entry_item, listed_entries
from billhook_payments.domain.states import MATCHED, STATES, TO_CHECK, VIEWS, WAITING
from billhook_payments.models import BankAccount, BankFile, Entry, Statement, StatementFile, StatementLine
from billhook_payments.queries import counted_by_state, find_statement, in_states

blueprint = Blueprint("statements", __name__, url_prefix="/statements", description="Statements of bank accounts")

PROOFS = ("proved", "gap", "control_totals", "no_balances")
KINDS = ("statement", "report", "notification")
_FORMATS = {
    ("camt", "statement"): "camt.053",
    ("camt", "report"): "camt.052",
    ("camt", "notification"): "camt.054",
}
_SHOWN_DIGITS = 4


class CountedSumSchema(Schema):
    """How many, and how much."""

    count = fields.Integer()
    sum = MoneyField()


class StatementSchema(Schema):
    """A statement in a list. ``counts`` are entries by state; in lists only of those that wait for somebody."""

    id = fields.UUID()
    account_id = fields.UUID()
    account = fields.String()
    format = fields.String()
    kind = fields.String(validate=validate.OneOf(KINDS))
    reference = fields.String()
    sequence = fields.String()
    page = fields.Integer()
    from_ = fields.Date(data_key="from")
    until = fields.Date()
    entries = fields.Integer()
    credits = MoneyField()
    debits = MoneyField()
    opening = MoneyField(allow_none=True)
    closing = MoneyField(allow_none=True)
    proof = fields.String(validate=validate.OneOf(PROOFS))
    gap = MoneyField()
    warnings_count = fields.Integer()
    counts = fields.Dict(keys=fields.String(), values=fields.Integer())
    to_post = fields.Nested(CountedSumSchema)
    imported_by = fields.String()
    imported_at = fields.AwareDateTime()
    posted_at = fields.AwareDateTime(allow_none=True)


class WarningSchema(Schema):
    """What is odd about a statement."""

    code = fields.String()
    position = fields.String()
    message = fields.String()


class StatementFileSchema(Schema):
    """A file that brought lines of the statement."""

    id = fields.UUID()
    name = fields.String()
    size_bytes = fields.Integer()
    sha256 = fields.String()
    known = fields.Integer()
    added = fields.Integer()
    uploaded_by = fields.String()
    uploaded_at = fields.AwareDateTime()


class OneStatementSchema(StatementSchema):
    """A statement; paired + queued + ignored = credits (R30), in the account's currency."""

    iban = fields.String(allow_none=True)
    warnings = fields.List(fields.Nested(WarningSchema))
    files = fields.List(fields.Nested(StatementFileSchema))
    paired = fields.Nested(CountedSumSchema)
    queued = fields.Nested(CountedSumSchema)
    ignored = fields.Nested(CountedSumSchema)


class StatementPageSchema(PageSchema):
    """A page of statements."""

    items = fields.List(fields.Nested(StatementSchema))


class UploadSchema(Schema):
    """The bank's file, told by its content."""

    file = Upload(required=True)


class UploadOptionsSchema(Schema):
    """For which account it is, if the file must be of that one; how it is read where several formats fit."""

    class Meta:
        """Other parameters are nobody's business here."""

        unknown = "exclude"

    account_id = fields.UUID()
    format = fields.String(load_default="")


class ImportedSchema(Schema):
    """What a file brought: lines that were ``known`` before and those ``added``; ``created`` is false for a repeat."""

    id = fields.UUID()
    created = fields.Boolean()
    name = fields.String()
    known = fields.Integer()
    added = fields.Integer()
    statements = fields.List(fields.Nested(StatementSchema))


class StatementFilterSchema(ListQuery):
    """Which statements to list."""

    account_id = fields.UUID()


@blueprint.route("", methods=["GET"])
@requires("payments:read")
@blueprint.arguments(StatementFilterSchema, location="query")
@blueprint.response(200, StatementPageSchema)
def list_statements(wanted: dict[str, Any]) -> Response:
    """Newest first."""
    statement = _listed()
    if "account_id" in wanted:
        statement = statement.where(Statement.account_id == wanted["account_id"])
    return page_of(ctx.session, statement, [(Statement.id, "desc")], _item)


@blueprint.route("", methods=["POST"])
@requires("payments:import", upload=True)
@blueprint.arguments(UploadSchema, location="files")
@blueprint.arguments(UploadOptionsSchema, location="query")
@blueprint.response(201, ImportedSchema)
def upload(files: dict[str, Any], options: dict[str, Any]) -> Response:
    """Import a bank file: all of its statements or nothing. The same file again answers 200 and changes nothing."""
    uploaded = UploadedFile(
        name=files["file"].filename or "", stream=files["file"].stream, by=ctx.identity.name, **options
    )
    imported = import_file(ctx.session, ctx.clock, ctx.config, uploaded)
    return _imported(imported.file_id, created=imported.created)


@blueprint.route("/<uuid:statement_id>", methods=["GET"])
@requires("payments:read")
@blueprint.response(200, OneStatementSchema)
def get_statement(statement_id: UUID) -> Response:
    """One statement with its figures, the proof of its balances and its warnings."""
    return _one(statement_id)


@blueprint.route("/<uuid:statement_id>/entries", methods=["GET"])
@requires("payments:read")
@blueprint.arguments(EntryFilterSchema, location="query")
@blueprint.response(200, EntryPageSchema)
def list_entries(wanted: dict[str, Any], statement_id: UUID) -> Response:
    """The lines of a statement, in the order of the file."""
    find_statement(ctx.session, statement_id)
    statement = (
        listed_entries()
        .join(StatementLine, StatementLine.entry_id == Entry.id)
        .where(StatementLine.statement_id == statement_id)
        .add_columns(StatementLine.position.label("line"))
    )
    if "state" in wanted:
        statement = statement.where(in_states(VIEWS[wanted["state"]]))
    return page_of(
        ctx.session, statement, [(StatementLine.position, "asc"), (StatementLine.entry_id, "asc")], entry_item
    )


@blueprint.route("/<uuid:statement_id>/post", methods=["POST"])
@requires("payments:pair")
@blueprint.response(200, OneStatementSchema)
def post(statement_id: UUID) -> Response:
    """Post what the rules are certain of, on an account that is reviewed first; again it changes nothing."""
    post_statement(ctx.session, ctx.clock, statement_id, by=ctx.identity.name)
    return _one(statement_id)


@blueprint.route("/<uuid:statement_id>/file", methods=["GET"])
@requires("payments:import")
@blueprint.response(200, content_type="application/octet-stream", description="The file as it was uploaded")
def get_file(statement_id: UUID) -> Response:
    """The file that brought the statement, byte for byte."""
    file = ctx.session.get(BankFile, find_statement(ctx.session, statement_id).file_id)
    assert file is not None, "a foreign key holds it"
    answer = Response(file.content, content_type="application/octet-stream")
    answer.headers.set("Content-Disposition", "attachment", filename=file.name)
    return answer


def _listed() -> AnySelect:
    # Counted over all that waits, which is little, not over all lines of every statement on the page.
    waiting = (
        select(
            StatementLine.statement_id,
            *(func.count().filter(Entry.state == state).label(state) for state in WAITING),
            func.sum(Entry.amount).filter(Entry.state == "auto").label("auto_sum"),
        )
        .join(Entry, Entry.id == StatementLine.entry_id)
        .where(in_states(WAITING))
        .group_by(StatementLine.statement_id)
        .subquery()
    )
    return (
        select(
            Statement, BankAccount.name.label("account_name"), BankAccount.iban, BankAccount.local_number,
            BankFile.format, *(waiting.c[state] for state in WAITING), waiting.c.auto_sum,
        )
        .join(BankAccount, BankAccount.id == Statement.account_id)
        .join(BankFile, BankFile.id == Statement.file_id)
        .outerjoin(waiting, waiting.c.statement_id == Statement.id)
    )  # fmt: skip


def _one(statement_id: UUID) -> Response:
    row = ctx.session.execute(_listed().where(Statement.id == statement_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such statement.")
    statement: Statement = row.Statement
    counts, sums = dict.fromkeys(STATES, 0), dict.fromkeys(STATES, 0)
    for counted in counted_by_state(ctx.session, statement_id):
        counts[counted.state] += counted.number
        if counted.currency == statement.currency:
            sums[counted.state] += int(counted.total)
    groups = {"paired": MATCHED, "queued": TO_CHECK, "ignored": ("ignored",)}
    answer = {
        **_item(row),
        "iban": row.iban,
        "counts": counts,
        "warnings": statement.warnings,
        "files": _files(statement_id),
        **{
            name: _counted(sum(counts[one] for one in states), sum(sums[one] for one in states), statement.currency)
            for name, states in groups.items()
        },
    }
    return json_response(answer)


def _files(statement_id: UUID) -> list[dict[str, Any]]:
    rows = ctx.session.execute(
        select(
            BankFile.id, BankFile.name, BankFile.size_bytes, BankFile.sha256, StatementFile.known, StatementFile.added,
            BankFile.uploaded_by, BankFile.uploaded_at,
        )
        .join(StatementFile, StatementFile.file_id == BankFile.id)
        .where(StatementFile.statement_id == statement_id)
        .order_by(BankFile.id)
    )  # fmt: skip
    return [dict(row._mapping) for row in rows]


def _imported(file_id: UUID, *, created: bool) -> Response:
    brought = and_(StatementFile.statement_id == Statement.id, StatementFile.file_id == file_id)
    rows = ctx.session.execute(
        _listed()
        .add_columns(StatementFile.known, StatementFile.added)
        .join(StatementFile, brought)
        .order_by(Statement.id)
    ).all()
    answer = {
        "id": file_id,
        "created": created,
        "name": ctx.session.scalar(select(BankFile.name).where(BankFile.id == file_id)),
        "known": sum(row.known for row in rows),
        "added": sum(row.added for row in rows),
        "statements": [_item(row) for row in rows],
    }
    return json_response(answer, 201 if created else 200)


def _item(row: AnyRow) -> dict[str, Any]:
    statement: Statement = row.Statement
    currency = statement.currency
    number = row.iban or row.local_number
    return {
        "id": statement.id,
        "account_id": statement.account_id,
        "account": f"{row.account_name} ••{number[-_SHOWN_DIGITS:]}",
        "format": _FORMATS.get((row.format, statement.kind), row.format),
        "kind": statement.kind,
        "reference": statement.reference,
        "sequence": statement.sequence or statement.reference or str(statement.covers_from),
        "page": statement.page,
        "from": statement.covers_from,
        "until": statement.covers_until,
        "entries": statement.entries,
        "credits": Money.from_minor(statement.credits, currency),
        "debits": Money.from_minor(statement.debits, currency),
        "opening": None if statement.opening is None else Money.from_minor(statement.opening, currency),
        "closing": None if statement.closing is None else Money.from_minor(statement.closing, currency),
        "proof": statement.proof,
        "gap": Money.from_minor(statement.gap, currency),
        "warnings_count": len(statement.warnings),
        "counts": {state: getattr(row, state) or 0 for state in WAITING},
        "to_post": _counted(row.auto or 0, int(row.auto_sum or 0), currency),
        "imported_by": statement.imported_by,
        "imported_at": statement.imported_at,
        "posted_at": statement.posted_at,
    }


def _counted(count: int, minor: int, currency: str) -> dict[str, Any]:
    return {"count": count, "sum": Money.from_minor(minor, currency)}
