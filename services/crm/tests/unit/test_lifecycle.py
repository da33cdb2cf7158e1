"""Where a customer is in life."""

import pytest

from billhook_crm.domain.lifecycle import LIFECYCLES, LifecycleMoveRefused, check_move, status_of

pytestmark = pytest.mark.unit

ALLOWED = {("new", "active"), ("new", "archived"), ("active", "archived"), ("archived", "active")}


@pytest.mark.parametrize("was", LIFECYCLES)
@pytest.mark.parametrize("to", LIFECYCLES)
def test_only_some_moves_are_allowed(was: str, to: str) -> None:
    if (was, to) in ALLOWED:
        check_move(was, to)
    else:
        with pytest.raises(LifecycleMoveRefused):
            check_move(was, to)


@pytest.mark.parametrize(
    ("lifecycle", "imported", "shown"),
    [
        ("new", "", "new"),
        ("new", "blocked", "new"),
        ("active", "", "active"),
        ("active", "blocked", "blocked"),
        ("active", "inactive", "inactive"),
        ("archived", "blocked", "archived"),
    ],
)
def test_the_status_shown_is_archived_else_new_else_what_was_imported(
    lifecycle: str, imported: str, shown: str
) -> None:
    assert status_of(lifecycle, imported) == shown
