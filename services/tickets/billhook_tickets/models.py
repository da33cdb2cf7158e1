"""Tables of tickets: conversations and their messages; a mirror of customers' names."""

import datetime as dt
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Sequence, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from billhook_common.db import COLUMN_TYPES, service_metadata


class Base(DeclarativeBase):
    """This service's tables."""

    metadata = service_metadata()
    type_annotation_map = COLUMN_TYPES


ticket_number = Sequence("ticket_number", metadata=Base.metadata)


class Customer(Base):
    """Mirror of crm's customers: what a ticket shows."""

    __tablename__ = "customer"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    number: Mapped[str]
    name: Mapped[str]
    email: Mapped[str]


class Ticket(Base):
    """One conversation (T1, T2)."""

    __tablename__ = "ticket"
    __table_args__ = (
        CheckConstraint("priority IN ('low', 'medium', 'high', 'urgent')", name="priority"),
        CheckConstraint(
            "status IN ('new', 'work_in_progress', 'resolved', 'waiting_on_customer', 'waiting_on_agent')",
            name="status",
        ),
        Index("ix_ticket_status_id", "status", "id"),
        Index("ix_ticket_customer_id_id", "customer_id", "id"),
        Index("ix_ticket_changed_at_id", "changed_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    number: Mapped[str] = mapped_column(unique=True)
    customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("customer.id"))
    subject: Mapped[str]
    priority: Mapped[str]
    status: Mapped[str]
    assignee: Mapped[str] = mapped_column(server_default=text("''"))
    opened_at: Mapped[dt.datetime]
    changed_at: Mapped[dt.datetime]


class Message(Base):
    """One message of a ticket; a note is seen by staff only."""

    __tablename__ = "message"
    __table_args__ = (Index("ix_message_ticket_id_id", "ticket_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"))
    author: Mapped[str]
    note: Mapped[bool]
    body: Mapped[str]
    sent_at: Mapped[dt.datetime]
