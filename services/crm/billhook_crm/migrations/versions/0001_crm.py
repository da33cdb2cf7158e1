"""Customers, imports of customer files, and the mirrors of billing."""

from alembic import op

from billhook_common.imports.migration import create_import_tables
from billhook_common.migrate import create_chassis_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    create_chassis_tables()
    op.execute(_CUSTOMERS)
    op.execute(_MIRRORS)
    create_import_tables()


# pg_trgm comes with PostgreSQL and is a trusted extension: the owner of the database may create it.
_CUSTOMERS = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE SEQUENCE customer_number START 10000001;
CREATE TABLE partner (
    id uuid CONSTRAINT pk_partner PRIMARY KEY, version bigint NOT NULL, name text NOT NULL,
    name_key text NOT NULL CONSTRAINT uq_partner_name_key UNIQUE, archived boolean NOT NULL);
CREATE TABLE location (
    id uuid CONSTRAINT pk_location PRIMARY KEY, version bigint NOT NULL, name text NOT NULL,
    name_key text NOT NULL CONSTRAINT uq_location_name_key UNIQUE, archived boolean NOT NULL);
CREATE TABLE customer (
    id uuid CONSTRAINT pk_customer PRIMARY KEY,
    version bigint NOT NULL,
    number text NOT NULL CONSTRAINT uq_customer_number UNIQUE,
    login text NOT NULL,
    login_key text NOT NULL CONSTRAINT uq_customer_login_key UNIQUE,
    name text NOT NULL, sort_name text NOT NULL, search text NOT NULL,
    category text NOT NULL CONSTRAINT ck_customer_category CHECK (category IN ('person', 'company')),
    contact_person text NOT NULL, company_number text NOT NULL, tax_id text NOT NULL,
    email text NOT NULL, phone text NOT NULL,
    street text NOT NULL, city text NOT NULL, zip text NOT NULL, country text NOT NULL,
    latitude double precision, longitude double precision,
    birth_date date,
    contract_number text NOT NULL,
    lifecycle text NOT NULL CONSTRAINT ck_customer_lifecycle CHECK (lifecycle IN ('new', 'active', 'archived')),
    imported_status text NOT NULL
        CONSTRAINT ck_customer_imported_status CHECK (imported_status IN ('', 'blocked', 'inactive')),
    status text NOT NULL,
    partner_id uuid NOT NULL CONSTRAINT fk_customer_partner_id REFERENCES partner,
    location_id uuid CONSTRAINT fk_customer_location_id REFERENCES location,
    payment_reference text NOT NULL,
    language text NOT NULL, note text NOT NULL,
    created_on date NOT NULL,
    CONSTRAINT ck_customer_place CHECK ((latitude IS NULL) = (longitude IS NULL)));
CREATE INDEX ix_customer_sort_name_id ON customer (sort_name, id);
CREATE INDEX ix_customer_created_on_id ON customer (created_on, id);
CREATE INDEX ix_customer_status_sort_name_id ON customer (status, sort_name, id);
CREATE INDEX ix_customer_location_id_sort_name_id ON customer (location_id, sort_name, id);
CREATE INDEX ix_customer_partner_id_sort_name_id ON customer (partner_id, sort_name, id);
CREATE INDEX ix_customer_search ON customer USING gin (search gin_trgm_ops);
CREATE TABLE given_reference (
    key text CONSTRAINT pk_given_reference PRIMARY KEY,
    customer_id uuid NOT NULL CONSTRAINT fk_given_reference_customer_id REFERENCES customer);
"""

_MIRRORS = """
CREATE TABLE customer_summary (
    customer_id uuid CONSTRAINT pk_customer_summary PRIMARY KEY,
    account_version bigint NOT NULL, balance bigint NOT NULL, currency varchar(3) NOT NULL, last_payment_on date);
CREATE INDEX ix_customer_summary_balance_customer_id ON customer_summary (balance, customer_id);
CREATE TABLE subscription (
    id uuid CONSTRAINT pk_subscription PRIMARY KEY,
    version bigint NOT NULL, customer_id uuid NOT NULL, plan_name text NOT NULL, state text NOT NULL,
    monthly bigint NOT NULL, currency varchar(3) NOT NULL, billing_day bigint NOT NULL, ends_before date);
CREATE INDEX ix_subscription_customer_id ON subscription (customer_id);
CREATE TABLE open_item (
    transaction_id uuid CONSTRAINT pk_open_item PRIMARY KEY,
    version bigint NOT NULL, customer_id uuid NOT NULL,
    open bigint NOT NULL, currency varchar(3) NOT NULL, due_on date NOT NULL);
CREATE INDEX ix_open_item_customer_id_due_on ON open_item (customer_id, due_on) WHERE open > 0;
"""
