"""Logging: structlog, JSON in production; an event is a constant snake_case phrase plus fields."""

import logging
import sys

import structlog

_PROCESSORS: list[structlog.typing.Processor] = []
"""One list for good: loggers that were made before keep it, and follow a later configuration."""


class _StandardError:
    """Whatever standard error is when something is logged: a test, a daemon may have put another in its place."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def configure_logs(service: str, log_format: str = "json") -> None:
    """Send structlog and the standard library's warnings to standard error, named after ``service``."""
    renderer: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)]
        if log_format == "console"
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    _PROCESSORS[:] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        *renderer,
    ]
    structlog.configure(
        processors=_PROCESSORS,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(_StandardError()),  # type: ignore[arg-type]  # all that it uses
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(stream=_StandardError(), level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    structlog.contextvars.bind_contextvars(service=service)


def get_logger() -> structlog.typing.FilteringBoundLogger:
    """The logger; bind fields at the call."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger
