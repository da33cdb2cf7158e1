"""Sending: due letters, one a step, over one connection; what does not go now goes later, at last it fails."""

import datetime as dt
import time
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from sqlalchemy import select, update

from billhook_common.db import AnyRow
from billhook_common.events.handlers import Context
from billhook_common.jobs import Job
from billhook_common.logs import get_logger
from billhook_common.mail.addresses import AddressRefused, mailbox
from billhook_common.mail.config import MailConfig
from billhook_common.mail.message import compose
from billhook_common.mail.rendering import Rendered, RenderFailed, read_source, render
from billhook_common.mail.transports import Deferred, Refused, ServerAway, Transport, open_transport
from billhook_common.tables import mail

log = get_logger()

LETTERS_TOGETHER = 10
"""So many are rendered by one process."""
CONNECTION_SECONDS = 5.0
"""A connection that was idle for so long is not used again: the server may have left it."""
FIRST_WAIT_SECONDS = 30
LONGEST_WAIT_SECONDS = 3_600
GIVE_UP_AFTER = dt.timedelta(days=2)

Outcome = dict[str, Any]


def mail_job(templates: Path) -> Job:
    """The job that sends a service's letters, made of the templates in that folder."""
    return Job("send_mail", Sender(templates).step, every_seconds=2)


class Sender:
    """Keeps from step to step what is dear to make: contents rendered together, and the connection.

    A step renders or sends, so that each is short; and it sends one letter, so that what was sent is written down
    before the next: when the process dies, only the one in hand may be sent a second time.
    """

    def __init__(self, templates: Path) -> None:
        self._templates = templates
        self._contents: dict[UUID, Rendered | RenderFailed] = {}
        self._together = LETTERS_TOGETHER
        self._transport: Transport | None = None
        self._used_at = 0.0

    def step(self, ctx: Context) -> bool:
        """Render a few letters or send one; True when there may be more that can be done now."""
        again = False
        try:
            again = self._step(ctx)
        finally:
            if not again:
                self._hang_up()
                self._contents.clear()
        return again

    def _step(self, ctx: Context) -> bool:
        letters = _due(ctx)
        if not letters:
            return False
        if letters[0].id not in self._contents:
            self._render(letters)
            return True
        content = self._contents.pop(letters[0].id)
        outcome, goes_on = _handled(ctx, self._open(cast(MailConfig, ctx.config)), letters[0], content)
        self._used_at = time.monotonic()
        _note(ctx, letters[0], outcome)
        return goes_on

    def _render(self, letters: list[AnyRow]) -> None:
        """Fill the contents; when one of several broke the child, the first comes alone next time."""
        letters = letters[: self._together]
        self._together = LETTERS_TOGETHER
        try:
            contents = _rendered(self._templates, letters)
        except RenderFailed as error:
            if len(letters) > 1:
                self._together = 1
                return
            contents = [error]
        self._contents = {letter.id: content for letter, content in zip(letters, contents, strict=True)}

    def _open(self, config: MailConfig) -> Transport:
        if self._transport is not None and time.monotonic() - self._used_at > CONNECTION_SECONDS:
            self._hang_up()
        if self._transport is None:
            self._transport = open_transport(config)
        return self._transport

    def _hang_up(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()


def _due(ctx: Context) -> list[AnyRow]:
    statement = (
        select(mail)
        .where(mail.c.state.in_(("queued", "deferred")), mail.c.next_at <= ctx.clock.now())
        .order_by(mail.c.next_at, mail.c.id)
        .limit(LETTERS_TOGETHER)
        .with_for_update(skip_locked=True)
    )
    return list(ctx.session.execute(statement).all())


def _rendered(templates: Path, letters: list[AnyRow]) -> list[Rendered | RenderFailed]:
    """A content for each; raises RenderFailed when one broke the child."""
    sources: list[Any] = []
    for letter in letters:
        try:
            sources.append((read_source(templates, letter.template), letter.context))
        except RenderFailed as error:
            sources.append(error)
    filled = iter(render([source for source in sources if not isinstance(source, RenderFailed)]))
    return [source if isinstance(source, RenderFailed) else next(filled) for source in sources]


def _handled(
    ctx: Context, transport: Transport, letter: AnyRow, content: Rendered | RenderFailed
) -> tuple[Outcome, bool]:
    """What became of one letter, and whether the next may be tried."""
    now = ctx.clock.now()
    if letter.good_until is not None and letter.good_until <= now:
        return {"state": "failed", "last_error": "it would have come too late"}, True
    if isinstance(content, RenderFailed):
        return {"state": "failed", "last_error": f"template {letter.template}: {content}"}, True
    told: Outcome = {"attempts": letter.attempts + 1, "subject": content.subject}
    try:
        recipient = mailbox(letter.recipient_name, letter.recipient)
        message = compose(letter.id, cast(MailConfig, ctx.config).sender, recipient, now, content)
        transport.deliver(letter.id, message)
    except (Refused, AddressRefused) as error:
        return told | {"state": "failed", "last_error": str(error)}, True
    except Deferred as error:
        if now - letter.queued_at > GIVE_UP_AFTER:
            return told | {"state": "failed", "last_error": str(error)}, not isinstance(error, ServerAway)
        wait = min(FIRST_WAIT_SECONDS * 2 ** min(letter.attempts, 10), LONGEST_WAIT_SECONDS)
        later = {"state": "deferred", "last_error": str(error), "next_at": now + dt.timedelta(seconds=wait)}
        return told | later, not isinstance(error, ServerAway)
    return told | {"state": "sent", "sent_at": now, "last_error": None}, True


def _note(ctx: Context, letter: AnyRow, outcome: Outcome) -> None:
    if letter.secret and outcome["state"] in {"sent", "failed"}:
        outcome = outcome | {"context": None}
    ctx.session.execute(update(mail).where(mail.c.id == letter.id).values(outcome))
    log.info("mail_handled", letter_id=str(letter.id), template=letter.template, state=outcome["state"])
