"""The tables that every service's database has: outbox, inbox, positions, answers, audit, and the like."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, INT8MULTIRANGE, JSONB

from billhook_common.db import UtcDateTime, service_metadata

chassis = service_metadata()

outbox = Table(
    "outbox",
    chassis,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("subject", Uuid, nullable=False),
    Column("customer_id", Uuid),
    Column("version", BigInteger),
    Column("source_key", Text),
    Column("correlation_id", Text),
    Column("causation_id", Text),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("data", Text, nullable=False),
    # Empty: for whoever subscribes; else for this service alone, and without a number.
    Column("recipient", Text),
    Column("published_at", UtcDateTime),
    Column("returned", Boolean, nullable=False, server_default=text("false")),
    Column("epoch", Uuid),
    Column("position", BigInteger),
    Index("ix_outbox_unpublished", "seq", postgresql_where=text("published_at IS NULL")),
    Index("ix_outbox_position", "type", "epoch", "position"),
)

# How far each type's numbers have come. ``home`` is the database that an epoch counts in: after a restore it is
# another one, where a new epoch begins. ``sending``: seqs of the round that is under way, its last one is ``last``.
outbox_position = Table(
    "outbox_position",
    chassis,
    Column("type", Text, primary_key=True),
    Column("epoch", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("home", Text, nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("sending", ARRAY(BigInteger), nullable=False, server_default=text("'{}'")),
)

outbox_replay = Table(
    "outbox_replay",
    chassis,
    Column("recipient", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
)

# Which numbers of each type and epoch came; what the publisher said of them when last heard.
inbox_position = Table(
    "inbox_position",
    chassis,
    Column("type", Text, primary_key=True),
    Column("epoch", Uuid, primary_key=True),
    Column("received", INT8MULTIRANGE, nullable=False, server_default=text("'{}'")),
    Column("owed_from", BigInteger),
    Column("first", BigInteger),
    Column("last", BigInteger),
    Column("heard_at", UtcDateTime),
)

inbox_subscription = Table(
    "inbox_subscription",
    chassis,
    Column("type", Text, primary_key=True),
    Column("since", UtcDateTime, nullable=False),
)

inbox = Table(
    "inbox",
    chassis,
    Column("event_id", Uuid, primary_key=True),
    Column("type", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("next_at", UtcDateTime),
    Column("fingerprint", Text),
    Column("reason", Text),
    Column("payload", LargeBinary),
    Index("ix_inbox_due", "next_at", postgresql_where=text("state = 'failed'")),
    Index("ix_inbox_parked", "fingerprint", postgresql_where=text("state IN ('parked', 'discarded')")),
    # For retention alone: rows lie in the order in which they came, so it costs next to nothing.
    Index("ix_inbox_received_at", "received_at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
)

answer = Table(
    "idempotent_answer",
    chassis,
    Column("caller", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_hash", LargeBinary, nullable=False),
    Column("status", Integer),
    Column("body", LargeBinary),
    Column("location", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_idempotent_answer_created_at", "created_at"),
)

audit_entry = Table(
    "audit_entry",
    chassis,
    Column("id", Uuid, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Uuid),
    Column("before", JSONB),
    Column("after", JSONB),
    Column("request_id", Text),
    Column("ip", Text),
    Index("ix_audit_entry_subject", "subject", "id"),
    Index("ix_audit_entry_request_id", "request_id", postgresql_where=text("request_id IS NOT NULL")),
)

lease = Table(
    "lease",
    chassis,
    Column("name", Text, primary_key=True),
    Column("token", BigInteger, nullable=False),
    Column("taken_at", UtcDateTime, nullable=False, server_default=func.now()),
)

mail = Table(
    "mail",
    chassis,
    Column("id", Uuid, primary_key=True),
    Column("template", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("recipient_name", Text, nullable=False),
    Column("context", JSONB),
    Column("secret", Boolean, nullable=False),
    Column("about", Uuid),
    Column("state", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    # Since when it is tried: later than ``created_at`` once somebody had it sent again.
    Column("queued_at", UtcDateTime, nullable=False),
    Column("next_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("good_until", UtcDateTime),
    Column("subject", Text),
    Column("last_error", Text),
    Column("sent_at", UtcDateTime),
    Index("ix_mail_due", "next_at", postgresql_where=text("state IN ('queued', 'deferred')")),
    Index("ix_mail_created_at", "created_at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
)

job_run = Table(
    "job_run",
    chassis,
    Column("id", Uuid, primary_key=True),
    Column("job", Text, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("steps", BigInteger, nullable=False),
    Column("error", Text),
    Column("host", Text, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("correlation_id", Text),
    Index("ix_job_run_ended_at", "ended_at", "id"),
)

job_seen = Table(
    "job_seen",
    chassis,
    Column("job", Text, primary_key=True),
    Column("first_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("well_at", UtcDateTime),
    Column("failed_at", UtcDateTime),
    Column("done_day", Date),
)

# One row a decision, never changed; ``partner_id`` is zero where it is for everyone.
setting_change = Table(
    "setting_change",
    chassis,
    Column("name", Text, primary_key=True),
    Column("partner_id", Uuid, primary_key=True),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("value", JSONB, nullable=False),
    Column("reset", Boolean, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("changed_by", Text, nullable=False),
)

RELEASE_1 = """
CREATE TABLE outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_outbox PRIMARY KEY,
    id uuid NOT NULL CONSTRAINT uq_outbox_id UNIQUE,
    type text NOT NULL, subject uuid NOT NULL, customer_id uuid, version bigint,
    source_key text, correlation_id text, causation_id text,
    occurred_at timestamptz NOT NULL, data text NOT NULL, recipient text,
    published_at timestamptz, returned boolean NOT NULL DEFAULT false, epoch uuid, position bigint);
CREATE INDEX ix_outbox_unpublished ON outbox (seq) WHERE published_at IS NULL;
CREATE INDEX ix_outbox_position ON outbox (type, epoch, position);
CREATE TABLE outbox_position (
    type text, epoch uuid DEFAULT gen_random_uuid(), home text NOT NULL, began_at timestamptz NOT NULL,
    last bigint NOT NULL, sending bigint[] NOT NULL DEFAULT '{}',
    CONSTRAINT pk_outbox_position PRIMARY KEY (type, epoch));
CREATE TABLE outbox_replay (
    recipient text, seq bigint, CONSTRAINT pk_outbox_replay PRIMARY KEY (recipient, seq));
CREATE TABLE inbox_position (
    type text, epoch uuid, received int8multirange NOT NULL DEFAULT '{}', owed_from bigint,
    first bigint, last bigint, heard_at timestamptz, CONSTRAINT pk_inbox_position PRIMARY KEY (type, epoch));
CREATE TABLE inbox_subscription (
    type text CONSTRAINT pk_inbox_subscription PRIMARY KEY, since timestamptz NOT NULL);
CREATE TABLE inbox (
    event_id uuid CONSTRAINT pk_inbox PRIMARY KEY,
    type text NOT NULL, state text NOT NULL, received_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0, next_at timestamptz, fingerprint text, reason text, payload bytea);
CREATE INDEX ix_inbox_due ON inbox (next_at) WHERE state = 'failed';
CREATE INDEX ix_inbox_parked ON inbox (fingerprint) WHERE state IN ('parked', 'discarded');
CREATE INDEX ix_inbox_received_at ON inbox USING brin (received_at) WITH (autosummarize = on);
CREATE TABLE idempotent_answer (
    caller text, key text, request_hash bytea NOT NULL, status integer, body bytea, location text,
    created_at timestamptz NOT NULL, CONSTRAINT pk_idempotent_answer PRIMARY KEY (caller, key));
CREATE INDEX ix_idempotent_answer_created_at ON idempotent_answer (created_at);
CREATE TABLE audit_entry (
    id uuid CONSTRAINT pk_audit_entry PRIMARY KEY,
    at timestamptz NOT NULL, actor text NOT NULL, action text NOT NULL, subject uuid,
    before jsonb, after jsonb, request_id text, ip text);
CREATE INDEX ix_audit_entry_subject ON audit_entry (subject, id);
CREATE INDEX ix_audit_entry_request_id ON audit_entry (request_id) WHERE request_id IS NOT NULL;
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TABLE mail (
    id uuid CONSTRAINT pk_mail PRIMARY KEY,
    template text NOT NULL, recipient text NOT NULL, recipient_name text NOT NULL, context jsonb,
    secret boolean NOT NULL, about uuid, state text NOT NULL, created_at timestamptz NOT NULL,
    queued_at timestamptz NOT NULL, next_at timestamptz NOT NULL, attempts integer NOT NULL, good_until timestamptz,
    subject text, last_error text, sent_at timestamptz);
CREATE INDEX ix_mail_due ON mail (next_at) WHERE state IN ('queued', 'deferred');
CREATE INDEX ix_mail_created_at ON mail USING brin (created_at) WITH (autosummarize = on);
CREATE TABLE lease (
    name text CONSTRAINT pk_lease PRIMARY KEY, token bigint NOT NULL, taken_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE job_run (
    id uuid CONSTRAINT pk_job_run PRIMARY KEY,
    job text NOT NULL, started_at timestamptz NOT NULL, ended_at timestamptz NOT NULL,
    outcome text NOT NULL, steps bigint NOT NULL, error text,
    host text NOT NULL, pid bigint NOT NULL, correlation_id text);
CREATE INDEX ix_job_run_ended_at ON job_run (ended_at, id);
CREATE TABLE job_seen (
    job text CONSTRAINT pk_job_seen PRIMARY KEY, first_at timestamptz NOT NULL, seen_at timestamptz NOT NULL,
    well_at timestamptz, failed_at timestamptz, done_day date);
CREATE TABLE setting_change (
    name text, partner_id uuid, version bigint, value jsonb NOT NULL, reset boolean NOT NULL, at timestamptz NOT NULL,
    changed_by text NOT NULL, CONSTRAINT pk_setting_change PRIMARY KEY (name, partner_id, version));
CREATE TRIGGER setting_change_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON setting_change
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
"""The chassis tables as the first release made them; later changes are statements of their own."""
