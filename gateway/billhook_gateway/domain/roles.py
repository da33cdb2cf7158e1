"""Roles: what a kind of colleague may do. Built in; a permission is ``<service>:<right>``, ``<service>:*`` or ``*``."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from billhook_common.errors import Forbidden

PERMISSIONS = (
    *("crm:read", "crm:write", "crm:import", "crm:partners"),
    *("billing:read", "billing:write", "billing:run", "billing:import"),
    *("invoicing:read", "invoicing:write"),
    *("payments:read", "payments:write", "payments:import", "payments:pair", "payments:reverse"),
    *("tickets:read", "tickets:write"),
    *("inventory:read", "inventory:write"),
    *("gateway:admin", "gateway:mail"),
    *("ops:read", "ops:write"),
    *("settings:read", "settings:write"),
)
"""Every right that a route may ask for."""

GRANTABLE = frozenset({"*", *PERMISSIONS, *(f"{permission.partition(':')[0]}:*" for permission in PERMISSIONS)})
"""What a role or an API key may hold: rights, whole areas, everything."""


@dataclass(frozen=True, slots=True)
class Role:
    """A named set of permissions; ``code`` is stored, ``title`` is shown."""

    code: str
    title: str
    permissions: frozenset[str]


ROLES = {
    role.code: role
    for role in (
        Role("administrator", "Administrator", frozenset({"*"})),
        Role(
            "finance",
            "Finance",
            frozenset(
                {
                    *("crm:read", "crm:write", "crm:import"),
                    *("billing:*", "invoicing:*", "payments:*"),
                    *("tickets:read", "inventory:read"),
                }
            ),
        ),
        Role(
            "cashier",
            "Cashier",
            frozenset({"crm:read", "billing:read", "invoicing:read", "payments:read", "payments:write"}),
        ),
        Role(
            "support",
            "Support",
            frozenset(
                {
                    *("crm:read", "crm:write", "tickets:*", "inventory:*"),
                    *("billing:read", "invoicing:read", "payments:read"),
                }
            ),
        ),
    )
}


class RightsExceeded(Forbidden):
    """Nobody gives away, or takes control of, rights that they do not hold themselves."""

    title = "This needs rights that you do not have"


def check_within(allows: Callable[[str], bool], wanted: Iterable[str]) -> None:
    """Raise RightsExceeded unless the actor, who ``allows`` speaks for, holds everything in ``wanted``."""
    missing = sorted(permission for permission in wanted if not allows(permission))
    if missing:
        raise RightsExceeded(f"You do not hold {', '.join(missing)} yourself.")
