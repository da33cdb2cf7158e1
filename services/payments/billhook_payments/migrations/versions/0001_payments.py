"""Bank accounts, statements and entries, payments and refunds; mirrors of customers and documents."""

from alembic import op

from billhook_common.migrate import create_chassis_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    create_chassis_tables()
    op.execute(_MIRRORS)
    op.execute(_BANK)
    op.execute(_PAYMENTS)


# pg_trgm comes with PostgreSQL and is a trusted extension: the owner of the database may create it.
_MIRRORS = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE TABLE customer (
    id uuid CONSTRAINT pk_customer PRIMARY KEY,
    version bigint NOT NULL, number text NOT NULL, login text NOT NULL, name text NOT NULL, lifecycle text NOT NULL,
    payment_reference text NOT NULL, search text NOT NULL);
CREATE INDEX ix_customer_search ON customer USING gin (search gin_trgm_ops);
CREATE TABLE given_reference (
    customer_id uuid NOT NULL, reference text NOT NULL,
    CONSTRAINT pk_given_reference PRIMARY KEY (customer_id, reference));
CREATE INDEX ix_given_reference_reference ON given_reference (reference);
CREATE TABLE document (
    id uuid CONSTRAINT pk_document PRIMARY KEY,
    customer_id uuid NOT NULL, number text, number_key text, currency varchar(3) NOT NULL, gross bigint NOT NULL,
    issued_on date, due_on date NOT NULL, payment_reference text NOT NULL,
    item_version bigint NOT NULL, open bigint NOT NULL);
CREATE INDEX ix_document_open ON document (customer_id) WHERE open > 0;
CREATE INDEX ix_document_issued_on ON document (issued_on);
CREATE INDEX ix_document_number_key ON document (number_key);
"""

_BANK = """
CREATE TABLE bank_account (
    id uuid CONSTRAINT pk_bank_account PRIMARY KEY,
    version bigint NOT NULL DEFAULT 1,
    name text NOT NULL, holder text NOT NULL,
    iban text CONSTRAINT uq_bank_account_iban UNIQUE,
    local_number text CONSTRAINT uq_bank_account_local_number UNIQUE,
    bic text NOT NULL, currency varchar(3) NOT NULL, review_first boolean NOT NULL, created_at timestamptz NOT NULL,
    CONSTRAINT ck_bank_account_number CHECK (iban IS NOT NULL OR local_number IS NOT NULL));
CREATE TABLE bank_file (
    id uuid CONSTRAINT pk_bank_file PRIMARY KEY,
    sha256 text NOT NULL CONSTRAINT uq_bank_file_sha256 UNIQUE,
    name text NOT NULL, size_bytes bigint NOT NULL, format text NOT NULL, format_version text NOT NULL,
    uploaded_by text NOT NULL, uploaded_at timestamptz NOT NULL, content bytea NOT NULL);
CREATE TABLE statement (
    id uuid CONSTRAINT pk_statement PRIMARY KEY,
    account_id uuid NOT NULL CONSTRAINT fk_statement_account_id REFERENCES bank_account,
    file_id uuid NOT NULL CONSTRAINT fk_statement_file_id REFERENCES bank_file,
    kind text NOT NULL CONSTRAINT ck_statement_kind CHECK (kind IN ('statement', 'report', 'notification')),
    identity bytea NOT NULL, reference text NOT NULL, sequence text NOT NULL, page bigint NOT NULL,
    covers_from date NOT NULL, covers_until date NOT NULL, currency varchar(3) NOT NULL,
    opening bigint, opening_on date, closing bigint, closing_on date,
    entries bigint NOT NULL, credits bigint NOT NULL, debits bigint NOT NULL,
    proof text NOT NULL
        CONSTRAINT ck_statement_proof CHECK (proof IN ('proved', 'gap', 'control_totals', 'no_balances')),
    gap bigint NOT NULL, warnings jsonb NOT NULL,
    imported_by text NOT NULL, imported_at timestamptz NOT NULL, posted_at timestamptz,
    CONSTRAINT uq_statement_account_id_kind_identity UNIQUE (account_id, kind, identity));
CREATE INDEX ix_statement_account_id_closing_on ON statement (account_id, closing_on);
CREATE TABLE statement_file (
    statement_id uuid NOT NULL CONSTRAINT fk_statement_file_statement_id REFERENCES statement,
    file_id uuid NOT NULL CONSTRAINT fk_statement_file_file_id REFERENCES bank_file,
    known bigint NOT NULL, added bigint NOT NULL,
    CONSTRAINT pk_statement_file PRIMARY KEY (statement_id, file_id));
CREATE TABLE entry (
    id uuid CONSTRAINT pk_entry PRIMARY KEY,
    account_id uuid NOT NULL CONSTRAINT fk_entry_account_id REFERENCES bank_account,
    statement_id uuid NOT NULL CONSTRAINT fk_entry_statement_id REFERENCES statement,
    identity bytea NOT NULL, part bigint NOT NULL, position bigint NOT NULL, place text NOT NULL,
    booked_on date NOT NULL, value_on date, amount bigint NOT NULL, currency varchar(3) NOT NULL,
    payer_name text NOT NULL, payer_account text NOT NULL, payer_bic text NOT NULL,
    remittance text[] NOT NULL, refs jsonb NOT NULL, type_code text NOT NULL,
    state text NOT NULL CONSTRAINT ck_entry_state CHECK (
        state IN ('pending', 'information', 'auto', 'proposed', 'queued', 'processed', 'manually_paired', 'ignored')),
    reason text NOT NULL, customer_id uuid, score bigint NOT NULL,
    evidence jsonb NOT NULL, candidates jsonb NOT NULL, rules_version text NOT NULL,
    decided_by text NOT NULL, decided_at timestamptz, in_suspense boolean NOT NULL,
    CONSTRAINT uq_entry_account_id_identity_part UNIQUE (account_id, identity, part));
CREATE INDEX ix_entry_waiting ON entry (booked_on, id) WHERE state IN ('auto', 'proposed', 'queued');
CREATE TABLE statement_line (
    statement_id uuid NOT NULL CONSTRAINT fk_statement_line_statement_id REFERENCES statement,
    position bigint NOT NULL,
    entry_id uuid NOT NULL CONSTRAINT fk_statement_line_entry_id REFERENCES entry,
    CONSTRAINT pk_statement_line PRIMARY KEY (statement_id, position, entry_id));
CREATE INDEX ix_statement_line_entry_id ON statement_line (entry_id);
CREATE TABLE payer (
    account text NOT NULL, customer_id uuid NOT NULL, times bigint NOT NULL, taken_back boolean NOT NULL,
    CONSTRAINT pk_payer PRIMARY KEY (account, customer_id));
"""

_PAYMENTS = """
CREATE TABLE number_series (name text CONSTRAINT pk_number_series PRIMARY KEY, last bigint NOT NULL);
INSERT INTO number_series (name, last) VALUES ('PAY', 0), ('REF', 0);
CREATE TABLE payment (
    id uuid CONSTRAINT pk_payment PRIMARY KEY,
    seq bigint NOT NULL CONSTRAINT uq_payment_seq UNIQUE,
    number text NOT NULL CONSTRAINT uq_payment_number UNIQUE,
    customer_id uuid NOT NULL CONSTRAINT fk_payment_customer_id REFERENCES customer,
    amount bigint NOT NULL CONSTRAINT ck_payment_amount CHECK (amount > 0), currency varchar(3) NOT NULL,
    method text NOT NULL CONSTRAINT ck_payment_method CHECK (method IN ('cash', 'card', 'bank_transfer', 'other')),
    received_on date NOT NULL, booked_on date NOT NULL, reference text NOT NULL, note text NOT NULL,
    entry_id uuid CONSTRAINT fk_payment_entry_id REFERENCES entry,
    source_key text, entered_by text NOT NULL, entered_at timestamptz NOT NULL,
    state text NOT NULL CONSTRAINT ck_payment_state CHECK (state IN ('confirmed', 'voided')),
    voided_at timestamptz, voided_by text, void_reason text,
    CONSTRAINT ck_payment_voided CHECK ((state = 'voided') = (voided_at IS NOT NULL)));
CREATE INDEX ix_payment_customer_id_seq ON payment (customer_id, seq);
CREATE INDEX ix_payment_received_on_seq ON payment (received_on, seq);
CREATE INDEX ix_payment_amount_seq ON payment (amount, seq);
CREATE INDEX ix_payment_entry_id ON payment (entry_id);
CREATE INDEX ix_payment_source_key ON payment (source_key);
CREATE INDEX ix_payment_reference ON payment (reference text_pattern_ops);
CREATE TABLE payment_document (
    payment_id uuid NOT NULL CONSTRAINT fk_payment_document_payment_id REFERENCES payment,
    document_id uuid NOT NULL, place bigint NOT NULL, amount bigint NOT NULL,
    CONSTRAINT pk_payment_document PRIMARY KEY (payment_id, document_id));
CREATE INDEX ix_payment_document_document_id ON payment_document (document_id);
CREATE TABLE refund (
    id uuid CONSTRAINT pk_refund PRIMARY KEY,
    seq bigint NOT NULL CONSTRAINT uq_refund_seq UNIQUE,
    number text NOT NULL CONSTRAINT uq_refund_number UNIQUE,
    customer_id uuid NOT NULL CONSTRAINT fk_refund_customer_id REFERENCES customer,
    amount bigint NOT NULL CONSTRAINT ck_refund_amount CHECK (amount > 0), currency varchar(3) NOT NULL,
    method text NOT NULL CONSTRAINT ck_refund_method CHECK (method IN ('cash', 'card', 'bank_transfer', 'other')),
    sent_on date NOT NULL, note text NOT NULL,
    source_key text, entered_by text NOT NULL, entered_at timestamptz NOT NULL);
CREATE INDEX ix_refund_customer_id_seq ON refund (customer_id, seq);
"""
