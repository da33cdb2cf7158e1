"""Tables of the gateway: people, how they sign in and where, API keys, tries that failed, the operator's company."""

import datetime as dt
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from billhook_common.db import COLUMN_TYPES, service_metadata


class Base(DeclarativeBase):
    """The gateway's tables."""

    metadata = service_metadata()
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        **COLUMN_TYPES,
        bytes: LargeBinary(),
        list[str]: ARRAY(Text()),
        list[UUID]: ARRAY(Uuid()),
    }


class User(Base):
    """A colleague who signs in; ``login`` in its normal form, ``password_hash`` in argon2's own notation (S2).

    ``email`` in its normal form, empty for none. ``second_factor_at``: since when a second factor is asked for; its
    secret is sealed, ``totp_step`` is the last step used, ``totp_pending`` a secret that is not confirmed yet.
    ``partner_ids`` and ``location_ids``: what the user is limited to; empty for all.
    """

    __tablename__ = "user"
    __table_args__ = (
        CheckConstraint("role IN ('administrator', 'finance', 'cashier', 'support')", name="role"),
        CheckConstraint("(second_factor_at IS NULL) = (totp_secret IS NULL)", name="second_factor"),
        Index("uq_user_email", "email", unique=True, postgresql_where=text("email <> ''")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    email: Mapped[str]
    password_hash: Mapped[str]
    role: Mapped[str]
    active: Mapped[bool]
    created_at: Mapped[dt.datetime]
    changed_at: Mapped[dt.datetime]
    signed_in_at: Mapped[dt.datetime | None]
    second_factor_at: Mapped[dt.datetime | None]
    totp_secret: Mapped[bytes | None]
    totp_step: Mapped[int]
    totp_pending: Mapped[bytes | None]
    totp_pending_at: Mapped[dt.datetime | None]
    partner_ids: Mapped[list[UUID]] = mapped_column(server_default=text("'{}'"))
    location_ids: Mapped[list[UUID]] = mapped_column(server_default=text("'{}'"))


class RecoveryCode(Base):
    """What stands in for the second factor once, if the phone is gone; ``code_hash`` is the SHA-256 of the code."""

    __tablename__ = "recovery_code"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    used_at: Mapped[dt.datetime | None]


class PasswordReset(Base):
    """Somebody forgot a password. ``user_id`` is null when nobody has that login; the link's token comes later."""

    __tablename__ = "password_reset"
    __table_args__ = (Index("ix_password_reset_user_id", "user_id"), Index("ix_password_reset_asked_at", "asked_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    asked_at: Mapped[dt.datetime]
    token_hash: Mapped[bytes | None] = mapped_column(unique=True)
    good_until: Mapped[dt.datetime | None]


class SignedInSession(Base):
    """One browser where a colleague is signed in; the cookie holds the token, this row only its hash."""

    __tablename__ = "session"
    __table_args__ = (Index("ix_session_user_id", "user_id"), Index("ix_session_seen_at", "seen_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    csrf_secret: Mapped[str]
    created_at: Mapped[dt.datetime]
    seen_at: Mapped[dt.datetime]
    ip: Mapped[str]
    user_agent: Mapped[str]
    second_factor_at: Mapped[dt.datetime | None]


class AddressTries(Base):
    """Tries from one address in the present window and the one before it."""

    __tablename__ = "address_tries"
    __table_args__ = (Index("ix_address_tries_began_at", "began_at"),)

    address: Mapped[str] = mapped_column(primary_key=True)
    began_at: Mapped[dt.datetime]
    tries: Mapped[int]
    tries_before: Mapped[int]


class SignInFailure(Base):
    """Failures in a row for a login (or a user's codes), whether it exists or not; ``key_hash`` is its SHA-256."""

    __tablename__ = "sign_in_failure"
    __table_args__ = (Index("ix_sign_in_failure_last_at", "last_at"),)

    key_hash: Mapped[bytes] = mapped_column(primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[dt.datetime]
    wait_until: Mapped[dt.datetime]


class ApiKey(Base):
    """A machine's key; ``created_by`` is the subject of whoever made it (S4)."""

    __tablename__ = "api_key"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    prefix: Mapped[str] = mapped_column(unique=True)
    digest: Mapped[bytes]
    name: Mapped[str]
    permissions: Mapped[list[str]]
    created_by: Mapped[str]
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime | None]
    last_used_at: Mapped[dt.datetime | None]
    revoked_at: Mapped[dt.datetime | None]


class Company(Base):
    """The operator as it stands on documents: one row."""

    __tablename__ = "company"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    name: Mapped[str]
    street: Mapped[str]
    city: Mapped[str]
    zip: Mapped[str]
    country: Mapped[str]
    company_number: Mapped[str]
    tax_id: Mapped[str]
    vat_payer: Mapped[bool]
    email: Mapped[str]
    phone: Mapped[str]
    iban: Mapped[str]
    bic: Mapped[str]
    changed_at: Mapped[dt.datetime]
