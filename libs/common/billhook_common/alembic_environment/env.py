"""Alembic's entry file, the same for every service."""

from billhook_common.migrate import run_environment

run_environment()
