"""Which decision each state of an entry allows."""

import pytest

from billhook_payments.domain.states import (
    MATCHED,
    STATES,
    TO_CHECK,
    VIEWS,
    EntryDecided,
    EntryNotPayment,
    EntryUndecided,
    check_decided,
    check_ignored,
    check_waiting,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("state", "waiting", "decided", "ignored"),
    [
        ("pending", EntryNotPayment, EntryNotPayment, EntryNotPayment),
        ("information", EntryNotPayment, EntryNotPayment, EntryNotPayment),
        ("auto", None, EntryUndecided, EntryUndecided),
        ("proposed", None, EntryUndecided, EntryUndecided),
        ("queued", None, EntryUndecided, EntryUndecided),
        ("processed", EntryDecided, None, EntryDecided),
        ("manually_paired", EntryDecided, None, EntryDecided),
        ("ignored", EntryDecided, None, None),
    ],
)
def test_a_state_allows_what_is_left_to_do(
    state: str, waiting: type | None, decided: type | None, ignored: type | None
) -> None:
    for check, refused in ((check_waiting, waiting), (check_decided, decided), (check_ignored, ignored)):
        if refused is None:
            check(state)
        else:
            with pytest.raises(refused):
                check(state)


def test_views_are_states_or_groups_that_do_not_overlap() -> None:
    assert set(STATES) < set(VIEWS)
    assert not set(TO_CHECK) & set(MATCHED)
    assert set(TO_CHECK) | set(MATCHED) | {"ignored", "pending", "information"} == set(STATES)
