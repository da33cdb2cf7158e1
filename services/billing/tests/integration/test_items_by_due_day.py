"""Open items of some due days: the lists behind the age buckets of the receivables."""

import datetime as dt
from typing import Any

import pytest

pytestmark = pytest.mark.integration


def test_each_bucket_equals_the_list_of_its_days(books: Any) -> None:
    customer, client = books.customer(), books.harness.client()
    today = books.harness.clock.today()
    for days in (-1, 0, 1, 30, 31, 60, 61, 90, 91, 400):
        books.charge(customer, 10, due=today - dt.timedelta(days=days))
    for bucket in client.get("/panels/receivables").json["buckets"]:
        until = today - dt.timedelta(days=bucket["from_days"] - 1)
        query = {"state": "open", "due_until": until.isoformat(), "totals": True}
        if bucket["until_days"] is not None:
            query["due_from"] = (today - dt.timedelta(days=bucket["until_days"])).isoformat()
        found = client.get("/items", **query).json["totals"]["EUR"]
        assert (found["count"], found["open"]) == (bucket["count"], bucket["sum"]["amount"]) != (0, "0.00")
