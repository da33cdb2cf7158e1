"""Who is looking, where they may go and what they may start: the frame round every page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from billhook_gateway.ui.texts import N_, gettext


@dataclass(frozen=True, slots=True)
class Viewer:
    """The signed-in person: ``role`` is a role's code, permissions may end in ``:*`` or be ``*``."""

    name: str
    role: str
    permissions: frozenset[str]

    def may(self, permission: str) -> bool:
        """Whether the viewer holds a permission such as ``billing:run``; ``""`` needs none."""
        area = permission.partition(":")[0]
        return not permission or bool({permission, f"{area}:*", "*"} & self.permissions)


@dataclass(frozen=True, slots=True)
class Destination:
    """A page in the navigation; ``keys`` is the key sequence that opens it, ``phone`` puts it in the bottom bar."""

    name: str
    label: str
    href: str
    icon: str
    permission: str
    keys: str = ""
    phone: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be started from anywhere."""

    label: str
    href: str
    icon: str
    permission: str
    keys: str = ""


NAVIGATION: tuple[tuple[str, tuple[Destination, ...]], ...] = (
    (
        "",
        (
            Destination("home", N_("Dashboard"), "/", "layout-dashboard", "", "g d", phone=True),
            Destination("customers", N_("Customers"), "/customers", "users", "crm:read", "g c", phone=True),
        ),
    ),
    (
        N_("Finance"),
        (
            Destination("billing-runs", N_("Billing run"), "/billing-runs", "calendar-repeat", "billing:run", "g r"),
            Destination("transactions", N_("Transactions"), "/transactions", "transfer", "billing:read"),
            Destination("invoices", N_("Invoices"), "/invoices", "file-invoice", "invoicing:read", "g i"),
            Destination("open-items", N_("Open items"), "/open-items", "clock", "billing:read", "g o"),
            Destination("payments", N_("Payments"), "/payments", "cash", "payments:read", "g p", phone=True),
            Destination("bank", N_("Bank import"), "/bank", "building-bank", "payments:import", "g b"),
            Destination("plans", N_("Plans"), "/plans", "wifi", "billing:read", "g n"),
        ),
    ),
    (
        N_("Operations"),
        (
            Destination("tickets", N_("Tickets"), "/tickets", "ticket", "tickets:read", "g t", phone=True),
            Destination("inventory", N_("Inventory"), "/inventory", "packages", "inventory:read", "g s"),
        ),
    ),
    (
        N_("System"),
        (
            Destination("operations", N_("Operations"), "/operations", "server-2", "ops:read", "g m"),
            Destination("settings", N_("Settings"), "/settings", "pencil", "settings:read"),
            Destination("company", N_("Company"), "/company", "building", "gateway:admin"),
            Destination("users", N_("Users"), "/users", "user-shield", "gateway:admin", "g u"),
            Destination("mail", N_("Mail"), "/mail", "mail", "gateway:mail"),
            Destination("api-keys", N_("API keys"), "/api-keys", "key", "gateway:admin"),
        ),
    ),
)

ACTIONS: tuple[Action, ...] = (
    Action(N_("New customer"), "/customers/new", "user-plus", "crm:write", "c c"),
    Action(N_("Add payment"), "/payments/new", "cash", "payments:write", "c p"),
    Action(N_("New ticket"), "/tickets/new", "ticket", "tickets:write", "c t"),
    Action(N_("New billing run"), "/billing-runs/new", "player-play", "billing:run"),
    Action(N_("Import bank statement"), "/bank#upload", "building-bank", "payments:import"),
    Action(N_("Import customers"), "/customers/import", "file-import", "crm:import"),
)


def current_destination(path: str) -> str:
    """Name of the destination that a path lies under; ``""`` when there is none."""
    for _, destinations in NAVIGATION:
        for destination in destinations:
            if path == destination.href or (destination.href != "/" and path.startswith(f"{destination.href}/")):
                return destination.name
    return ""


def navigation(viewer: Viewer, path: str, counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """Groups ``{title, links}`` with only what the viewer may see.

    ``counts`` maps a destination's name to the number beside it; work that waits (bank, tickets) is marked.
    """
    current, groups = current_destination(path), []
    for title, destinations in NAVIGATION:
        links = [
            {
                "name": destination.name,
                "label": gettext(destination.label),
                "href": destination.href,
                "icon": destination.icon,
                "press": destination.keys,
                "phone": destination.phone,
                "current": destination.name == current,
                "count": counts.get(destination.name),
            }
            for destination in destinations
            if viewer.may(destination.permission)
        ]
        if links:
            groups.append({"title": gettext(title) if title else "", "links": links})
    return groups


def actions(viewer: Viewer) -> list[dict[str, str]]:
    """What the viewer may start, for the palette and the keyboard."""
    return [
        {"label": gettext(action.label), "href": action.href, "icon": action.icon, "press": action.keys}
        for action in ACTIONS
        if viewer.may(action.permission)
    ]
