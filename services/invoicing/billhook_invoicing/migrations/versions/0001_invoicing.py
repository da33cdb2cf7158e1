"""Documents, their lines, numbers and PDFs; mirrors of customers, the company and open items."""

from alembic import op

from billhook_common.migrate import append_only, create_chassis_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    create_chassis_tables()
    op.execute(_MIRRORS)
    op.execute(_NUMBERS)
    op.execute(_DOCUMENTS)
    op.execute(_SUMS)
    for table in ("company", "document", "document_line", "document_pdf"):
        append_only(table)


# pg_trgm comes with PostgreSQL and is a trusted extension: the owner of the database may create it.
_MIRRORS = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE TABLE customer (
    id uuid CONSTRAINT pk_customer PRIMARY KEY,
    version bigint NOT NULL, number text NOT NULL, name text NOT NULL, search text NOT NULL,
    payment_reference text NOT NULL, language text NOT NULL, bill_to jsonb NOT NULL);
CREATE INDEX ix_customer_search ON customer USING gin (search gin_trgm_ops);
CREATE TABLE company (
    version bigint CONSTRAINT pk_company PRIMARY KEY,
    seller jsonb NOT NULL, vat_payer boolean NOT NULL, iban text NOT NULL, bic text NOT NULL);
CREATE TABLE open_item (
    transaction_id uuid CONSTRAINT pk_open_item PRIMARY KEY,
    version bigint NOT NULL, currency varchar(3) NOT NULL, total bigint NOT NULL, open bigint NOT NULL,
    changed_at timestamptz NOT NULL,
    document_id uuid, seq bigint, issued_on date, due_on date);
CREATE UNIQUE INDEX uq_open_item_document_id ON open_item (document_id);
CREATE INDEX ix_open_item_unpaid ON open_item (issued_on, seq) WHERE open > 0 AND document_id IS NOT NULL;
CREATE INDEX ix_open_item_open_seq ON open_item (open, seq);
"""

_NUMBERS = """
CREATE TABLE series (
    id uuid CONSTRAINT pk_series PRIMARY KEY,
    version bigint NOT NULL DEFAULT 1,
    kind text NOT NULL CONSTRAINT uq_series_kind UNIQUE,
    pattern text NOT NULL,
    reset text NOT NULL CONSTRAINT ck_series_reset CHECK (reset IN ('never', 'year', 'month')),
    last_issued_on date);
CREATE TABLE counter (
    series_id uuid CONSTRAINT fk_counter_series_id REFERENCES series, key text,
    start bigint NOT NULL, next bigint NOT NULL,
    CONSTRAINT pk_counter PRIMARY KEY (series_id, key),
    CONSTRAINT ck_counter_values CHECK (start >= 1 AND next >= start));
INSERT INTO series (id, kind, pattern, reset)
    VALUES ('f5258f90-bf28-5c7f-89e1-15d8c6e68328', 'invoice', 'INV-{year}-{next|6}', 'year');
"""

# Numbers are compared byte by byte, so that an index finds those that begin with some letters.
_DOCUMENTS = """
CREATE TABLE document (
    id uuid CONSTRAINT pk_document PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    series_id uuid NOT NULL, counter_key text NOT NULL, counter bigint NOT NULL,
    number text COLLATE "C" NOT NULL,
    customer_id uuid NOT NULL, charge_id uuid NOT NULL, transaction_id uuid NOT NULL, run_id uuid,
    bill_date date NOT NULL, issued_on date NOT NULL, tax_point_on date NOT NULL, due_on date NOT NULL,
    period_from date NOT NULL, period_until date NOT NULL,
    currency varchar(3) NOT NULL, tax_included boolean NOT NULL, tax_rounding text NOT NULL,
    net bigint NOT NULL, tax bigint NOT NULL, gross bigint NOT NULL, paid bigint NOT NULL,
    payment_reference text NOT NULL, language text NOT NULL,
    buyer jsonb NOT NULL, company_version bigint,
    created_at timestamptz NOT NULL,
    CONSTRAINT ck_document_gross CHECK (net + tax = gross AND gross >= 0),
    CONSTRAINT ck_document_paid CHECK (paid BETWEEN 0 AND gross));
CREATE UNIQUE INDEX uq_document_number ON document (number, series_id);
CREATE UNIQUE INDEX uq_document_counter ON document (counter, counter_key, series_id);
CREATE INDEX ix_document_issued_on_seq ON document (issued_on, seq);
CREATE INDEX ix_document_due_on_seq ON document (due_on, seq);
CREATE INDEX ix_document_gross_seq ON document (gross, seq);
CREATE INDEX ix_document_customer_id ON document (customer_id);
CREATE INDEX ix_document_run_id_issued_on_seq ON document (run_id, issued_on, seq);
CREATE TABLE document_line (
    document_id uuid, line smallint,
    subscription_id uuid NOT NULL, text text NOT NULL,
    period_from date NOT NULL, period_until date NOT NULL, days bigint NOT NULL, period_days bigint NOT NULL,
    rule text NOT NULL,
    quantity numeric(18, 6) NOT NULL, unit_price numeric(18, 6) NOT NULL,
    tax_rate numeric(9, 6) NOT NULL, tax_included boolean NOT NULL,
    discount bigint NOT NULL, net bigint NOT NULL, tax bigint NOT NULL,
    CONSTRAINT pk_document_line PRIMARY KEY (document_id, line));
CREATE TABLE issued_day (
    issued_on date, currency varchar(3), count bigint NOT NULL, net bigint NOT NULL, gross bigint NOT NULL,
    CONSTRAINT pk_issued_day PRIMARY KEY (issued_on, currency));
CREATE TABLE document_pdf (
    document_id uuid CONSTRAINT pk_document_pdf PRIMARY KEY
        CONSTRAINT fk_document_pdf_document_id REFERENCES document,
    content bytea NOT NULL, made_at timestamptz NOT NULL);
"""

# All lines of a document come in one statement after the document: they belong to it and sum to it. A foreign key
# beside this would look up every line once more. LATERAL, and no sequential scan, because the plan is kept from the
# time when the tables were empty: any other would read them whole for every batch later.
_SUMS = """
CREATE FUNCTION refuse_wrong_sums() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    bad record;
BEGIN
    SELECT touched.document_id, line.net, line.tax INTO bad
        FROM (SELECT DISTINCT document_id FROM added) AS touched
        CROSS JOIN LATERAL (SELECT sum(net) AS net, sum(tax) AS tax FROM document_line
            WHERE document_id = touched.document_id) AS line
        CROSS JOIN LATERAL (SELECT max(net) AS net, max(tax) AS tax FROM document
            WHERE id = touched.document_id) AS said
        WHERE line.net IS DISTINCT FROM said.net OR line.tax IS DISTINCT FROM said.tax LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the lines of document % sum to % net and % tax, which it does not say', bad.document_id,
            bad.net, bad.tax USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER document_line_sums AFTER INSERT ON document_line REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_wrong_sums();
"""
