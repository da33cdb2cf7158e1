"""The states of entries, and which decision each allows.

``pending``: announced, not booked yet · ``information``: no customer's payment · ``auto``: certain, waits for Post ·
``proposed``: a person confirms · ``queued``: a person searches · ``processed``: paired by the rules ·
``manually_paired`` · ``ignored``: no customer's money, says a person.
"""

from typing import Literal

from billhook_common.errors import Conflict

State = Literal[
    "pending", "information", "auto", "proposed", "queued", "processed", "manually_paired", "ignored"
]  # fmt: skip

STATES: tuple[State, ...] = (
    "pending", "information", "auto", "proposed", "queued", "processed", "manually_paired", "ignored",
)  # fmt: skip
WAITING: tuple[State, ...] = ("auto", "proposed", "queued")
TO_CHECK: tuple[State, ...] = ("proposed", "queued")
PAIRED: tuple[State, ...] = ("processed", "manually_paired")
MATCHED: tuple[State, ...] = ("auto", *PAIRED)
VIEWS: dict[str, tuple[State, ...]] = {
    "to_check": TO_CHECK,
    "matched": MATCHED,
    **{state: (state,) for state in STATES},
}
"""What lists of entries can be narrowed to: one state, what a person has to check, what has its customer."""


class EntryNotPayment(Conflict):
    """Debits, announcements and empty entries belong to no customer."""

    title = "This entry is no payment that was booked"


class EntryDecided(Conflict):
    """A decision is taken back before another one is taken."""

    title = "This entry is decided already"


class EntryUndecided(Conflict):
    """There is nothing to take back."""

    title = "Nothing was decided for this entry"


def check_waiting(state: str) -> None:
    """Raise EntryNotPayment or EntryDecided unless somebody still has to decide."""
    _check_payment(state)
    if state not in WAITING:
        raise EntryDecided(f"It is {state.replace('_', ' ')}; take that back first.")


def check_decided(state: str) -> None:
    """Raise EntryNotPayment or EntryUndecided unless there is a decision."""
    _check_payment(state)
    if state in WAITING:
        raise EntryUndecided


def check_ignored(state: str) -> None:
    """Raise EntryNotPayment, EntryUndecided or EntryDecided unless the entry was left out."""
    check_decided(state)
    if state != "ignored":
        raise EntryDecided("It has its customer; void the payment to take that back.")


def _check_payment(state: str) -> None:
    if state in ("pending", "information"):
        raise EntryNotPayment
