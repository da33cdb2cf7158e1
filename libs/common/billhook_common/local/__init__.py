"""Servers for one machine: PostgreSQL and RabbitMQ as child processes of Billhook, without the system's services."""


class LocalError(Exception):
    """Something about this machine that the person at the keyboard can put right; the text says how."""
