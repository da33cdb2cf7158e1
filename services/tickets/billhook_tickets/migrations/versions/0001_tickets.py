"""Tickets, messages and the mirror of customers."""

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
        CREATE SEQUENCE ticket_number;
        CREATE TABLE customer (
            id uuid CONSTRAINT pk_customer PRIMARY KEY,
            version bigint NOT NULL, number text NOT NULL, name text NOT NULL, email text NOT NULL);
        CREATE TABLE ticket (
            id uuid CONSTRAINT pk_ticket PRIMARY KEY,
            version bigint NOT NULL,
            number text NOT NULL CONSTRAINT uq_ticket_number UNIQUE,
            customer_id uuid CONSTRAINT fk_ticket_customer_id REFERENCES customer,
            subject text NOT NULL,
            priority text NOT NULL CONSTRAINT ck_ticket_priority CHECK (priority IN ('low', 'medium', 'high', 'urgent')),
            status text NOT NULL CONSTRAINT ck_ticket_status CHECK (
                status IN ('new', 'work_in_progress', 'resolved', 'waiting_on_customer', 'waiting_on_agent')),
            assignee text NOT NULL DEFAULT '',
            opened_at timestamptz NOT NULL,
            changed_at timestamptz NOT NULL);
        CREATE INDEX ix_ticket_status_id ON ticket (status, id);
        CREATE INDEX ix_ticket_customer_id_id ON ticket (customer_id, id);
        CREATE INDEX ix_ticket_changed_at_id ON ticket (changed_at, id);
        CREATE TABLE message (
            id uuid CONSTRAINT pk_message PRIMARY KEY,
            ticket_id uuid NOT NULL CONSTRAINT fk_message_ticket_id REFERENCES ticket,
            author text NOT NULL, note boolean NOT NULL, body text NOT NULL, sent_at timestamptz NOT NULL);
        CREATE INDEX ix_message_ticket_id_id ON message (ticket_id, id);
    """)
