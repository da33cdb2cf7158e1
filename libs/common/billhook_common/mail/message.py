"""A letter as it goes over the wire."""

import datetime as dt
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from uuid import UUID

from billhook_common.mail.rendering import Rendered


def compose(letter_id: UUID, sender: Address, recipient: Address, at: dt.datetime, content: Rendered) -> EmailMessage:
    """The message: text always, HTML beside it where there is some; its id follows from the letter's."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = content.subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{letter_id}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(content.text)
    if content.html is not None:
        message.add_alternative(content.html, subtype="html")
    return message
