"""Products, items, their movements and the mirror of customers."""

from alembic import op

from billhook_common.migrate import append_only, create_chassis_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    create_chassis_tables()
    # pg_trgm comes with PostgreSQL and is a trusted extension: the owner of the database may create it.
    op.execute("""
        CREATE EXTENSION IF NOT EXISTS pg_trgm;
        CREATE TABLE customer (
            id uuid CONSTRAINT pk_customer PRIMARY KEY,
            version bigint NOT NULL, number text NOT NULL, name text NOT NULL);
        CREATE TABLE product (
            id uuid CONSTRAINT pk_product PRIMARY KEY,
            version bigint NOT NULL, name text NOT NULL,
            name_key text NOT NULL CONSTRAINT uq_product_name_key UNIQUE);
        CREATE TABLE item (
            id uuid CONSTRAINT pk_item PRIMARY KEY,
            version bigint NOT NULL,
            product_id uuid NOT NULL CONSTRAINT fk_item_product_id REFERENCES product,
            serial text NOT NULL,
            serial_key text NOT NULL CONSTRAINT uq_item_serial_key UNIQUE,
            barcode text NOT NULL, search text NOT NULL,
            status text NOT NULL CONSTRAINT ck_item_status CHECK (status IN ('in_stock', 'assigned', 'internal_usage')),
            condition text NOT NULL CONSTRAINT ck_item_condition CHECK (condition IN ('new', 'used', 'broken')),
            location text NOT NULL,
            customer_id uuid CONSTRAINT fk_item_customer_id REFERENCES customer,
            note text NOT NULL,
            CONSTRAINT ck_item_customer CHECK ((status = 'assigned') = (customer_id IS NOT NULL)));
        CREATE INDEX ix_item_status_id ON item (status, id);
        CREATE INDEX ix_item_product_id_id ON item (product_id, id);
        CREATE INDEX ix_item_location_id ON item (location, id);
        CREATE INDEX ix_item_customer_id_id ON item (customer_id, id) WHERE customer_id IS NOT NULL;
        CREATE INDEX ix_item_search ON item USING gin (search gin_trgm_ops);
        CREATE TABLE movement (
            id uuid CONSTRAINT pk_movement PRIMARY KEY,
            item_id uuid NOT NULL CONSTRAINT fk_movement_item_id REFERENCES item,
            action text NOT NULL CONSTRAINT ck_movement_action
                CHECK (action IN ('received', 'assigned', 'used', 'returned', 'changed')),
            at timestamptz NOT NULL, actor text NOT NULL,
            status text NOT NULL, condition text NOT NULL, location text NOT NULL,
            customer_id uuid CONSTRAINT fk_movement_customer_id REFERENCES customer,
            note text NOT NULL);
        CREATE INDEX ix_movement_item_id_id ON movement (item_id, id);
    """)
    append_only("movement")
