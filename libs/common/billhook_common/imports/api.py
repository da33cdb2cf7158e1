"""The resource ``/imports`` of a service that reads files: upload, map, preview, confirm, result."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema
from sqlalchemy import select

from billhook_common.api import AnyRow, Blueprint, ctx, json_response, page_of
from billhook_common.auth import requires
from billhook_common.imports.failures import failures_csv
from billhook_common.imports.models import FileImport
from billhook_common.imports.preview import preview_import
from billhook_common.imports.receive import (
    Upload,
    confirm_import,
    find_import,
    receive_file,
    same_files,
    set_mapping,
)
from billhook_common.imports.rules import Importer
from billhook_common.imports.schemas import (
    CompanionSchema,
    ConfirmationSchema,
    FileSchema,
    ImportFilterSchema,
    ImportPageSchema,
    ImportSchema,
    MappingSchema,
    NoOptionsSchema,
    NoTotalsSchema,
    OneImportSchema,
    PreviewSchema,
)
from billhook_common.tabular import Dialect


def import_blueprint(
    importer: Importer[Any],
    *,
    right: str,
    description: str,
    options: type[Schema] = NoOptionsSchema,
    totals: type[Schema] = NoTotalsSchema,
) -> Blueprint:
    """The routes of ``importer`` for callers with ``right``.

    ``options`` are form fields beside the file, none of them required; ``totals`` stand beside a preview's counts.
    """
    return _Resource(importer, right, description, options, totals).blueprint


@dataclass
class _Resource:
    """The views of one importer."""

    importer: Importer[Any]
    right: str
    description: str
    options: type[Schema]
    totals: type[Schema]
    blueprint: Blueprint = field(init=False)

    def __post_init__(self) -> None:
        self._one_schema = _joined(OneImportSchema, self.options)
        self.blueprint = Blueprint("imports", __name__, url_prefix="/imports", description=self.description)
        self._add_reading()
        self._add_commands()

    def _add_reading(self) -> None:
        blueprint, importer, right = self.blueprint, self.importer, self.right

        @blueprint.route("", methods=["GET"])
        @requires(right)
        @blueprint.arguments(ImportFilterSchema, location="query")
        @blueprint.response(200, ImportPageSchema)
        def list_imports(wanted: dict[str, Any]) -> Response:
            """Newest first."""
            statement = select(FileImport).filter_by(**wanted)
            return page_of(ctx.session, statement, [(FileImport.id, "desc")], _item_of_row)

        @blueprint.route("/<uuid:import_id>", methods=["GET"])
        @requires(right)
        @blueprint.response(200, self._one_schema)
        def get_import(import_id: UUID) -> Response:
            """One import."""
            return self._one(find_import(ctx.session, import_id))

        @blueprint.route("/<uuid:import_id>/preview", methods=["GET"])
        @requires(right)
        @blueprint.response(200, _joined(PreviewSchema, self.totals))
        def preview(import_id: UUID) -> Response:
            """What confirming would do now."""
            found = preview_import(ctx.session, importer, find_import(ctx.session, import_id))
            counts = {name: getattr(found, name) for name in ("rows", "new", "known", "failed", "by_code")}
            sample = [{"row": row.row, "line": row.line, importer.subject: row.content} for row in found.sample]
            return json_response(
                {**counts, **found.totals, "unused": found.unused, "errors": found.errors, "sample": sample}
            )

        @blueprint.route("/<uuid:import_id>/failures.csv", methods=["GET"])
        @requires(right)
        @blueprint.response(200, content_type="text/csv", description="The rows that are left out, with the reasons")
        def failures(import_id: UUID) -> Response:
            """The failed rows, to be mended and imported again."""
            body = failures_csv(ctx.session, importer, find_import(ctx.session, import_id))
            answer = Response(body.encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
            answer.headers["Content-Disposition"] = 'attachment; filename="failed-rows.csv"'
            return answer

    def _add_commands(self) -> None:
        blueprint, importer, right = self.blueprint, self.importer, self.right

        @blueprint.route("", methods=["POST"])
        @requires(right, upload=True)
        @blueprint.arguments(FileSchema, location="files")
        @blueprint.arguments(
            _joined(CompanionSchema, self.options), location="form", content_type="multipart/form-data"
        )
        @blueprint.response(201, self._one_schema)
        def upload_file(files: dict[str, Any], options: dict[str, Any]) -> Response:
            """Keep the file and guess its columns; nothing is imported yet."""
            file = files["file"]
            upload = Upload(
                filename=file.filename or "",
                content=file.stream.read(),
                companion=options.pop("companion", None),
                options=options,
                currency=ctx.config.currency,
                uploaded_by=ctx.identity.name,
            )
            return self._one(receive_file(ctx.session, ctx.clock, importer, upload), 201)

        @blueprint.route("/<uuid:import_id>/mapping", methods=["PUT"])
        @requires(right)
        @blueprint.arguments(_joined(MappingSchema, self.options))
        @blueprint.response(200, self._one_schema)
        def map_columns(body: dict[str, Any], import_id: UUID) -> Response:
            """Say which column is which; options that are left out stay as they are."""
            return self._one(set_mapping(ctx.session, ctx.clock, importer, import_id, body))

        @blueprint.route("/<uuid:import_id>/confirm", methods=["POST"])
        @requires(right)
        @blueprint.arguments(ConfirmationSchema)
        @blueprint.response(200, self._one_schema)
        def confirm(body: dict[str, Any], import_id: UUID) -> Response:
            """Import the file. Small files are stored when this answers; large ones go on in the background."""
            how = {"skip_errors": body["skip_errors"], "waits": body["after_customers"]}
            return self._one(confirm_import(ctx.session, ctx.clock, importer, import_id, **how))

    def _one(self, item: FileImport, status: int = 200) -> Response:
        columns = self.importer.columns(Dialect("csv"), item.currency)
        detail = {
            **_item(item),
            **item.options,
            "header": item.header,
            "dialect": item.dialect,
            "columns": [{"name": one.name, "title": one.title, "required": one.required} for one in columns],
            "mapping": item.mapping,
            "same_file": [_item(other) for other in same_files(ctx.session, item)],
        }
        return json_response(detail, status)


def _joined(first: type[Schema], second: type[Schema]) -> type[Schema]:
    """A schema with the fields of both."""
    return type(first.__name__, (first, second), {"__doc__": first.__doc__})


def _item_of_row(row: AnyRow) -> dict[str, Any]:
    return _item(row.FileImport)


def _item(item: FileImport) -> dict[str, Any]:
    return {name: getattr(item, name) for name in ImportSchema._declared_fields}
