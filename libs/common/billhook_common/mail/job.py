"""Sending: due letters, a few a step, over one connection; what does not go now goes later, at last it fails."""

import datetime as dt
from pathlib import Path
from typing import Any, cast

from sqlalchemy import select, update

from billhook_common.db import AnyRow
from billhook_common.events.handlers import Context
from billhook_common.jobs import Job, job
from billhook_common.logs import get_logger
from billhook_common.mail.addresses import AddressRefused, mailbox
from billhook_common.mail.config import MailConfig
from billhook_common.mail.message import compose
from billhook_common.mail.rendering import Rendered, RenderFailed, read_source, render
from billhook_common.mail.transports import Deferred, Refused, ServerAway, Transport, open_transport
from billhook_common.tables import mail

log = get_logger()

LETTERS_A_STEP = 10
"""So many, at most, are sent a second time when the process dies before it could write down that they were sent."""
FIRST_WAIT_SECONDS = 30
LONGEST_WAIT_SECONDS = 3_600
GIVE_UP_AFTER = dt.timedelta(days=2)

Outcome = dict[str, Any]


def mail_job(templates: Path) -> Job:
    """The job that sends a service's letters, made of the templates in that folder."""

    @job(every_seconds=2)
    def send_mail(ctx: Context) -> bool:
        return send_due_letters(ctx, templates)

    return send_mail


def send_due_letters(ctx: Context, templates: Path) -> bool:
    """Send a few letters; True when there may be more that can be sent now."""
    letters = _due(ctx)
    if not letters:
        return False
    letters, contents = _contents(templates, letters)
    config = cast(MailConfig, ctx.config)
    transport = open_transport(config)
    try:
        for letter, content in zip(letters, contents, strict=True):
            outcome, goes_on = _handled(ctx, transport, letter, content)
            _note(ctx, letter, outcome)
            if not goes_on:
                return False
    finally:
        transport.close()
    return True


def _due(ctx: Context) -> list[AnyRow]:
    statement = (
        select(mail)
        .where(mail.c.state.in_(("queued", "deferred")), mail.c.next_at <= ctx.clock.now())
        .order_by(mail.c.next_at, mail.c.id)
        .limit(LETTERS_A_STEP)
        .with_for_update(skip_locked=True)
    )
    return list(ctx.session.execute(statement).all())


def _contents(templates: Path, letters: list[AnyRow]) -> tuple[list[AnyRow], list[Rendered | RenderFailed]]:
    """The letters with their contents; only the first when one of several broke the child: the others come next."""
    try:
        return letters, _rendered(templates, letters)
    except RenderFailed as error:
        if len(letters) == 1:
            return letters, [error]
    return _contents(templates, letters[:1])


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
        if now - letter.created_at > GIVE_UP_AFTER:
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
