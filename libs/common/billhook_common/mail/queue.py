"""The delivery log: what is to be sent is written down in the transaction of the command that wants it sent."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import msgspec
from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.errors import Conflict, NotFound
from billhook_common.ids import uuid7
from billhook_common.mail.addresses import mailbox
from billhook_common.tables import mail

CONTEXT_BYTES = 100_000
"""The largest context of one letter; a letter is not an export."""


class NotFailed(Conflict):
    """Only a letter that failed, and whose content is still there, can be sent again."""

    title = "This letter cannot be sent again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A letter to one person: ``template`` filled with ``context``, plain values only.

    ``secret``: the context opens something (a link to set a password) and is forgotten once it is sent or failed.
    ``about`` is the record it is about. After ``good_until`` it is no longer sent.
    """

    template: str
    address: str
    name: str
    context: Mapping[str, object]
    about: UUID | None = None
    secret: bool = False
    good_until: dt.datetime | None = None


def queue_letter(session: Session, clock: Clock, letter: Letter) -> UUID:
    """Have ``letter`` sent if, and only if, this transaction commits. Its id is the Message-ID of every try.

    Raises AddressRefused.
    """
    mailbox(letter.name, letter.address)
    context = msgspec.to_builtins(dict(letter.context))
    assert len(msgspec.json.encode(context)) <= CONTEXT_BYTES, "a letter's context is small"
    letter_id = uuid7()
    session.execute(
        insert(mail).values(
            id=letter_id,
            template=letter.template,
            recipient=letter.address,
            recipient_name=letter.name,
            context=context,
            secret=letter.secret,
            about=letter.about,
            state="queued",
            created_at=clock.now(),
            queued_at=clock.now(),
            next_at=clock.now(),
            attempts=0,
            good_until=letter.good_until,
        )
    )
    return letter_id


def retry_letter(session: Session, clock: Clock, letter_id: UUID) -> None:
    """Send a failed letter again, now. Raises NotFound, NotFailed."""
    found = session.execute(mail.select().where(mail.c.id == letter_id).with_for_update()).one_or_none()
    if found is None:
        raise NotFound("There is no such letter.")
    if found.state != "failed":
        raise NotFailed(f"It is {found.state}.")
    if found.context is None or (found.good_until is not None and found.good_until <= clock.now()):
        raise NotFailed("Its content held a secret and is gone, or it came too late; ask for a new one.")
    session.execute(
        update(mail)
        .where(mail.c.id == letter_id)
        .values(state="queued", queued_at=clock.now(), next_at=clock.now(), attempts=0, last_error=None)
    )
    audit(session, clock, "mail_retried", letter_id)
