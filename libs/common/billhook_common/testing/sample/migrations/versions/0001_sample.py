"""Counters."""

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
        CREATE TABLE counter (
            id uuid CONSTRAINT pk_counter PRIMARY KEY,
            name text NOT NULL CONSTRAINT uq_counter_name UNIQUE,
            value bigint NOT NULL)
    """)
