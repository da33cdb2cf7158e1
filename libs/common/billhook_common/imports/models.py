"""Tables of imported files; a service that imports has them beside its own."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, MetaData, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from billhook_common.db import COLUMN_TYPES, CurrencyCode, service_metadata


class Base(DeclarativeBase):
    """The import tables."""

    metadata = service_metadata()
    type_annotation_map = COLUMN_TYPES


class FileImport(Base):
    """A file, from upload to result (E1); the counts are those of its rows.

    ``companion`` is the import of the same file in another service, whose records these rows need; rows wait for
    those until ``waits_until``. ``currency`` is that of the amounts, ``options`` are the importer's own, as JSON;
    ``correlation_id`` is of the confirmation, which the stored rows come from.
    """

    __tablename__ = "file_import"
    __table_args__ = (
        CheckConstraint("state IN ('uploaded', 'importing', 'imported')", name="state"),
        Index("ix_file_import_sha256", "sha256"),
        Index("ix_file_import_importing", "id", postgresql_where=text("state = 'importing'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[str]
    filename: Mapped[str]
    size_bytes: Mapped[int]
    sha256: Mapped[str]
    header: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    dialect: Mapped[dict[str, Any]] = mapped_column(JSONB)
    mapping: Mapped[dict[str, str]] = mapped_column(JSONB)
    options: Mapped[dict[str, Any]] = mapped_column(JSONB)
    currency: Mapped[CurrencyCode]
    companion: Mapped[UUID | None]
    skip_errors: Mapped[bool]
    rows: Mapped[int]
    imported: Mapped[int]
    known: Mapped[int]
    failed: Mapped[int]
    uploaded_by: Mapped[str]
    uploaded_at: Mapped[dt.datetime]
    correlation_id: Mapped[str | None]
    confirmed_at: Mapped[dt.datetime | None]
    waits_until: Mapped[dt.datetime | None]
    finished_at: Mapped[dt.datetime | None]


class ImportContent(Base):
    """The bytes of an uploaded file, as they came."""

    __tablename__ = "import_content"

    import_id: Mapped[UUID] = mapped_column(ForeignKey("file_import.id"), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class ImportRow(Base):
    """A row that is still to be stored: what is in it as JSON, and the names that are taken by it.

    It is ``overtaken`` when it waited while a later row was stored.
    """

    __tablename__ = "import_row"

    import_id: Mapped[UUID] = mapped_column(ForeignKey("file_import.id"), primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    line: Mapped[int]
    names: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    content: Mapped[str]
    overtaken: Mapped[bool] = mapped_column(server_default=text("false"))


class ImportFailure(Base):
    """A row that was not stored, and why."""

    __tablename__ = "import_failure"

    import_id: Mapped[UUID] = mapped_column(ForeignKey("file_import.id"), primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    line: Mapped[int]
    errors: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)


def add_import_tables(own: MetaData) -> None:
    """Put the import tables into a service's ``own`` catalogue, so that its drift check sees them."""
    for table in Base.metadata.sorted_tables:
        table.to_metadata(own)
