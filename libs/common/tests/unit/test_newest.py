"""Of a batch's snapshots only the newest of each record is kept, in the order of ids."""

from dataclasses import dataclass
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from billhook_common.events import newest


@dataclass(frozen=True)
class Snapshot:
    record: UUID
    version: int


snapshots = st.builds(Snapshot, record=st.integers(1, 4).map(lambda at: UUID(int=at)), version=st.integers(1, 9))


@given(st.lists(snapshots))
def test_the_highest_version_of_each_record_is_kept_in_the_order_of_ids(batch: list[Snapshot]) -> None:
    kept = newest((one.record, one) for one in batch)
    versions = {
        record: max(one.version for one in batch if one.record == record) for record in {o.record for o in batch}
    }
    assert [(one.record, one.version) for one in kept] == sorted(versions.items())
