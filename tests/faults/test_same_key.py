"""A command under one Idempotency-Key, sent fifty times at once, across a kill: one effect, one answer (F18)."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from .api import Acknowledged, Refused
from .invariants import check_invariants
from .site import Site

pytestmark = pytest.mark.fault

AT_ONCE = 50


def correction(customer: str, amount: str = "12.30") -> dict[str, Any]:
    money = {"amount": amount, "currency": "EUR"}
    return {"customer_id": customer, "amount": money, "side": "credit", "description": "Goodwill"}


def storm(site: Site, body: dict[str, Any], key: str) -> list[Acknowledged]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda _: site.api.command("/billing/transactions", body, key=key), range(AT_ONCE)))


def test_the_same_command_fifty_times_at_once_has_one_effect_also_across_a_kill(site: Site) -> None:
    # Committed, but the process dies before it says so: the answer to the third command, the second storm's.
    site.start("worker", "web", fault="after_answer_commit:3")
    customer = site.api.command("/crm/customers", {"name": "Ann"}, key="ann").id

    assert len({one.id for one in storm(site, correction(customer), "calm")}) == 1
    assert site.api.unanswered == 0
    assert len({one.id for one in storm(site, correction(customer), "killed")}) == 1
    assert site.api.unanswered > 0

    for key in ("calm", "killed"):
        with pytest.raises(Refused) as refused:
            site.api.command("/billing/transactions", correction(customer, "12.31"), key=key)
        assert (refused.value.status, refused.value.problem["type"]) == (422, "/problems/idempotency-key-reused")
    check_invariants(site)
