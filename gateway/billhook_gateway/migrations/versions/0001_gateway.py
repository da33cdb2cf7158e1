"""Users, sessions, API keys, wrong passwords and the company."""

from alembic import op

from billhook_common.migrate import create_chassis_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    create_chassis_tables()
    op.execute("""
        CREATE TABLE "user" (
            id uuid CONSTRAINT pk_user PRIMARY KEY,
            version bigint NOT NULL,
            login text NOT NULL CONSTRAINT uq_user_login UNIQUE,
            name text NOT NULL,
            email text NOT NULL,
            password_hash text NOT NULL,
            role text NOT NULL CONSTRAINT ck_user_role CHECK (
                role IN ('administrator', 'finance', 'cashier', 'support')),
            active boolean NOT NULL,
            created_at timestamptz NOT NULL,
            changed_at timestamptz NOT NULL,
            signed_in_at timestamptz,
            second_factor_at timestamptz,
            totp_secret bytea,
            totp_step bigint NOT NULL,
            partner_ids uuid[] NOT NULL DEFAULT '{}', location_ids uuid[] NOT NULL DEFAULT '{}',
            totp_pending bytea,
            totp_pending_at timestamptz,
            CONSTRAINT ck_user_second_factor CHECK ((second_factor_at IS NULL) = (totp_secret IS NULL)));
        CREATE UNIQUE INDEX uq_user_email ON "user" (email) WHERE email <> '';
        CREATE TABLE recovery_code (
            user_id uuid CONSTRAINT fk_recovery_code_user_id REFERENCES "user",
            code_hash bytea,
            used_at timestamptz,
            CONSTRAINT pk_recovery_code PRIMARY KEY (user_id, code_hash));
        CREATE TABLE password_reset (
            id uuid CONSTRAINT pk_password_reset PRIMARY KEY,
            user_id uuid CONSTRAINT fk_password_reset_user_id REFERENCES "user",
            asked_at timestamptz NOT NULL,
            token_hash bytea CONSTRAINT uq_password_reset_token_hash UNIQUE,
            good_until timestamptz);
        CREATE INDEX ix_password_reset_user_id ON password_reset (user_id);
        CREATE INDEX ix_password_reset_asked_at ON password_reset (asked_at);
        CREATE TABLE session (
            id uuid CONSTRAINT pk_session PRIMARY KEY,
            token_hash bytea NOT NULL CONSTRAINT uq_session_token_hash UNIQUE,
            user_id uuid NOT NULL CONSTRAINT fk_session_user_id REFERENCES "user",
            csrf_secret text NOT NULL,
            created_at timestamptz NOT NULL,
            seen_at timestamptz NOT NULL,
            ip text NOT NULL,
            user_agent text NOT NULL,
            second_factor_at timestamptz);
        CREATE TABLE address_tries (
            address text CONSTRAINT pk_address_tries PRIMARY KEY,
            began_at timestamptz NOT NULL,
            tries bigint NOT NULL,
            tries_before bigint NOT NULL);
        CREATE INDEX ix_address_tries_began_at ON address_tries (began_at);
        CREATE INDEX ix_session_user_id ON session (user_id);
        CREATE INDEX ix_session_seen_at ON session (seen_at);
        CREATE TABLE sign_in_failure (
            key_hash bytea CONSTRAINT pk_sign_in_failure PRIMARY KEY,
            failures bigint NOT NULL,
            last_at timestamptz NOT NULL,
            wait_until timestamptz NOT NULL);
        CREATE INDEX ix_sign_in_failure_last_at ON sign_in_failure (last_at);
        CREATE TABLE api_key (
            id uuid CONSTRAINT pk_api_key PRIMARY KEY,
            prefix text NOT NULL CONSTRAINT uq_api_key_prefix UNIQUE,
            digest bytea NOT NULL,
            name text NOT NULL,
            permissions text[] NOT NULL,
            created_by text NOT NULL,
            created_at timestamptz NOT NULL,
            expires_at timestamptz,
            last_used_at timestamptz,
            revoked_at timestamptz);
        CREATE TABLE company (
            id uuid CONSTRAINT pk_company PRIMARY KEY,
            version bigint NOT NULL,
            name text NOT NULL,
            street text NOT NULL, city text NOT NULL, zip text NOT NULL, country text NOT NULL,
            company_number text NOT NULL, tax_id text NOT NULL, vat_payer boolean NOT NULL,
            email text NOT NULL, phone text NOT NULL,
            iban text NOT NULL, bic text NOT NULL,
            changed_at timestamptz NOT NULL);
    """)
