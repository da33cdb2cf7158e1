"""The import tables as the first release makes them; later changes are statements of their own."""

from alembic import op


def create_import_tables() -> None:
    """For the first migration of a service that imports files."""
    op.execute(_RELEASE_1)


_RELEASE_1 = """
CREATE TABLE file_import (
    id uuid CONSTRAINT pk_file_import PRIMARY KEY,
    state text NOT NULL CONSTRAINT ck_file_import_state CHECK (state IN ('uploaded', 'importing', 'imported')),
    filename text NOT NULL, size_bytes bigint NOT NULL, sha256 text NOT NULL,
    header text[] NOT NULL, dialect jsonb NOT NULL, mapping jsonb NOT NULL, options jsonb NOT NULL,
    currency varchar(3) NOT NULL, companion uuid, skip_errors boolean NOT NULL,
    rows bigint NOT NULL, imported bigint NOT NULL, known bigint NOT NULL, failed bigint NOT NULL,
    uploaded_by text NOT NULL, uploaded_at timestamptz NOT NULL,
    correlation_id text, confirmed_at timestamptz, waits_until timestamptz, finished_at timestamptz);
CREATE INDEX ix_file_import_sha256 ON file_import (sha256);
CREATE INDEX ix_file_import_importing ON file_import (id) WHERE state = 'importing';
CREATE TABLE import_content (
    import_id uuid CONSTRAINT pk_import_content PRIMARY KEY
        CONSTRAINT fk_import_content_import_id REFERENCES file_import,
    content bytea NOT NULL);
CREATE TABLE import_row (
    import_id uuid CONSTRAINT fk_import_row_import_id REFERENCES file_import,
    "row" bigint, line bigint NOT NULL, names text[] NOT NULL, content text NOT NULL,
    overtaken boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_import_row PRIMARY KEY (import_id, "row"));
CREATE TABLE import_failure (
    import_id uuid CONSTRAINT fk_import_failure_import_id REFERENCES file_import,
    "row" bigint, line bigint NOT NULL, errors jsonb NOT NULL,
    CONSTRAINT pk_import_failure PRIMARY KEY (import_id, "row"));
"""
