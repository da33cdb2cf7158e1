"""What the gateway does on the clock."""

import datetime as dt
from pathlib import Path
from typing import cast

from billhook_common.events import Context
from billhook_common.jobs import job
from billhook_common.mail import mail_job
from billhook_common.settings import read_setting
from billhook_gateway.actions.password_reset import forget_old_links, send_links
from billhook_gateway.actions.sessions import forget_old_sessions
from billhook_gateway.actions.tries import forget_old_tries
from billhook_gateway.config import GatewayConfig
from billhook_gateway.decided import SESSION_IDLE_MINUTES

ROWS_A_STEP = 5_000


@job(every_seconds=3_600)
def forget_what_is_over(ctx: Context) -> bool:
    """Delete sessions, links and counts of tries that no longer matter; True while there may be more."""
    idle = dt.timedelta(minutes=read_setting(ctx.session, ctx.config, SESSION_IDLE_MINUTES))
    sessions = forget_old_sessions(ctx.session, ctx.clock, ROWS_A_STEP, idle=idle)
    tries = forget_old_tries(ctx.session, ctx.clock, ROWS_A_STEP)
    links = forget_old_links(ctx.session, ctx.clock, ROWS_A_STEP)
    return ROWS_A_STEP in (sessions, tries, links)


@job(every_seconds=2)
def send_reset_links(ctx: Context) -> bool:
    """Mail the links that people asked for who forgot their password."""
    return send_links(ctx.session, ctx.clock, cast(GatewayConfig, ctx.config).public_url)


send_mail = mail_job(Path(__file__).parent / "mail")
