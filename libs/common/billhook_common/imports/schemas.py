"""How imports look in JSON."""

from flask_smorest.fields import Upload
from marshmallow import Schema, fields, validate

from billhook_common.fields import PageSchema, PlainText
from billhook_common.imports.preview import SHOWN_ERRORS, SHOWN_ROWS
from billhook_common.lists import ListQuery

STATES = ("uploaded", "importing", "imported")
DATE_ORDERS = ("dmy", "mdy")


class NoOptionsSchema(Schema):
    """An importer without options."""


class NoTotalsSchema(Schema):
    """An importer without further totals in its preview."""


class CompanionSchema(Schema):
    """What belongs to the file, whoever imports it."""

    companion = fields.UUID(metadata={"description": "The import of the same file at the service that is first."})


class ImportFilterSchema(ListQuery, CompanionSchema):
    """Which imports to list."""


class ColumnSchema(Schema):
    """A column that can be imported."""

    name = fields.String()
    title = fields.String()
    required = fields.Boolean()


class DialectSchema(Schema):
    """How the file is written; ``date_order`` is that of dates with slashes."""

    kind = fields.String(validate=validate.OneOf(("csv", "xlsx")))
    encoding = fields.String(allow_none=True)
    delimiter = fields.String(allow_none=True)
    sheet = fields.String(allow_none=True)
    date_order = fields.String(validate=validate.OneOf(DATE_ORDERS))


class ImportSchema(Schema):
    """An import; ``imported``, ``known`` and ``failed`` count from the confirmation on."""

    id = fields.UUID()
    state = fields.String(validate=validate.OneOf(STATES))
    filename = fields.String()
    size_bytes = fields.Integer()
    sha256 = fields.String()
    rows = fields.Integer()
    imported = fields.Integer()
    known = fields.Integer()
    failed = fields.Integer()
    skip_errors = fields.Boolean()
    companion = fields.UUID(allow_none=True)
    uploaded_by = fields.String()
    uploaded_at = fields.AwareDateTime()
    confirmed_at = fields.AwareDateTime(allow_none=True)
    finished_at = fields.AwareDateTime(allow_none=True)


class OneImportSchema(ImportSchema):
    """An import with its columns; ``mapping`` is column → header of the file, ``same_file`` earlier imports of it."""

    header = fields.List(fields.String())
    dialect = fields.Nested(DialectSchema)
    columns = fields.List(fields.Nested(ColumnSchema))
    mapping = fields.Dict(keys=fields.String(), values=fields.String())
    same_file = fields.List(fields.Nested(ImportSchema))


class ImportPageSchema(PageSchema):
    """A page of imports."""

    items = fields.List(fields.Nested(ImportSchema))


class FileSchema(Schema):
    """The file: CSV, TSV or XLSX, told by its content."""

    file = Upload(required=True)


class MappingSchema(Schema):
    """Which header of the file is which column; columns that are left out are not imported."""

    mapping = fields.Dict(keys=PlainText(50), values=fields.String(), required=True)
    date_order = fields.String(validate=validate.OneOf(DATE_ORDERS))


class ConfirmationSchema(Schema):
    """Rows with errors are left out with ``skip_errors``; otherwise an import that has any is refused.

    With ``after_customers`` rows of customers who have not arrived here yet wait for them, for half a minute after
    the last one who came.
    """

    skip_errors = fields.Boolean(load_default=False)
    after_customers = fields.Boolean(load_default=False)


class RowErrorSchema(Schema):
    """What is wrong with a row; ``row`` counts data rows from 1, ``line`` is that of the file (row of the sheet)."""

    row = fields.Integer()
    line = fields.Integer()
    column = fields.String(allow_none=True)
    header = fields.String(allow_none=True)
    code = fields.String()
    message = fields.String()
    value = fields.String()


class PreviewSchema(Schema):
    """What confirming would do."""

    rows = fields.Integer()
    new = fields.Integer()
    known = fields.Integer()
    failed = fields.Integer()
    by_code = fields.Dict(keys=fields.String(), values=fields.Integer())
    unused = fields.List(fields.String(), metadata={"description": "Headers that are not imported"})
    errors = fields.List(fields.Nested(RowErrorSchema), metadata={"description": f"The first {SHOWN_ERRORS}"})
    sample = fields.List(
        fields.Dict(), metadata={"description": f"The first {SHOWN_ROWS} new rows: row, line, and what is in it"}
    )
