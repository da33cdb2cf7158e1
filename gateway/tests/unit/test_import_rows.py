"""One file, two services: every row is counted and told once."""

import pytest

from billhook_gateway.ui.import_rows import checked_file, merged_failures

pytestmark = pytest.mark.unit


def preview(new: int, *bad_rows: int, unused: tuple[str, ...] = ()) -> dict[str, object]:
    errors = [{"row": row, "line": row + 1, "message": f"row {row}"} for row in bad_rows]
    return {"new": new, "failed": len(bad_rows), "errors": errors, "unused": unused}


def test_a_row_that_both_refuse_is_left_out_once() -> None:
    check = checked_file(preview(7, 2, 5, 9), preview(8, 5, 7))
    assert (check.left_out, check.without_service) == (3, 1)
    assert [error["row"] for error in check.errors] == [2, 5, 7, 9]
    assert [error["row"] for error in check.errors if error.get("customer_comes")] == [7]
    # Rows 2 and 9 are good for the services, but nobody is there to have them.
    assert check.services == 6


def test_a_header_is_unused_when_neither_reads_it() -> None:
    assert checked_file(preview(1, unused=("Plan", "GPS")), preview(1, unused=("GPS", "Note"))).unused == ["GPS"]
    assert checked_file(preview(1, 3, unused=("Plan",)), None).unused == ("Plan",)


def test_the_failed_rows_are_one_file_in_its_order() -> None:
    first = '\ufeffRow;Line;Error;Login\r\n2;3;"bad; e-mail";anna\r\n10;12;No name;"b\r\nob"\r\n'.encode()
    second = "\ufeffRow;Line;Error;Login\r\n2;3;No such login;anna\r\n7;8;No such day;carl\r\n".encode()
    assert merged_failures(first, second).decode().splitlines()[1:] == [
        '2;3;"bad; e-mail";anna', "7;8;No such day;carl", '10;12;No name;"b', 'ob"',
    ]  # fmt: skip
    nothing = "\ufeffRow;Line;Error;Login\r\n".encode()
    assert merged_failures(first, nothing) == first
    assert merged_failures(nothing, second) == second
