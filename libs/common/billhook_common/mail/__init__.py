"""Mail: queued in the command's own transaction, rendered in a sandbox, sent by a job, at least once."""

from billhook_common.mail.api import mail_blueprint
from billhook_common.mail.config import MailConfig
from billhook_common.mail.job import mail_job
from billhook_common.mail.queue import Letter, queue_letter

__all__ = ["Letter", "MailConfig", "mail_blueprint", "mail_job", "queue_letter"]
