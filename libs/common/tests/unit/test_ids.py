"""Ids that sort by time, and ids that are derived from what a thing is."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook_common.ids import derive_id, uuid7

pytestmark = pytest.mark.unit

NAMESPACE = uuid.UUID("6f0f3c52-5b0a-5d8e-9f41-8d1f7a3b6c20")


def test_new_ids_are_version_7_and_sort_in_the_order_in_which_they_were_made() -> None:
    ids = [uuid7() for _ in range(1_000)]
    assert ids == sorted(set(ids))
    assert {(one.version, one.variant) for one in ids} == {(7, uuid.RFC_4122)}


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.integers() | st.uuids(), min_size=1, max_size=4))
def test_derived_ids_are_those_of_rfc_9562_for_ever(parts: list[object]) -> None:
    assert derive_id(*parts) == uuid.uuid5(NAMESPACE, "\x1f".join(map(str, parts)))


def test_derived_ids_do_not_depend_on_the_machine() -> None:
    assert str(derive_id("charge", "a")) == "62fed1ed-1f71-5a80-a103-6ff2972b9d58"
