"""Tables that people upload: reading CSV and Excel files, mapping and checking columns, exporting safely.

table = read_table(data, filename)                        # what is it, which columns has it
mapping = suggest_mapping(table.header, columns)          # column name → header name, for a person to confirm
preview = validate(table, mapping, columns)               # counts, first records, errors by row
for block in check(table, mapping, columns): ...          # the same again, block by block, to store it
"""

from billhook_common.tabular.cells import CellError, GeoPoint, Value
from billhook_common.tabular.checking import Checked, Counts, Preview, Rejected, RowError, check, validate
from billhook_common.tabular.columns import Column, check_mapping, suggest_mapping
from billhook_common.tabular.escaping import escape_for_spreadsheet, unescape_from_spreadsheet
from billhook_common.tabular.reading import read_table
from billhook_common.tabular.records import Record
from billhook_common.tabular.table import Block, BrokenRow, Dialect, Limits, Row, Table

__all__ = [
    "Block",
    "BrokenRow",
    "CellError",
    "Checked",
    "Column",
    "Counts",
    "Dialect",
    "GeoPoint",
    "Limits",
    "Preview",
    "Record",
    "Rejected",
    "Row",
    "RowError",
    "Table",
    "Value",
    "check",
    "check_mapping",
    "escape_for_spreadsheet",
    "read_table",
    "suggest_mapping",
    "unescape_from_spreadsheet",
    "validate",
]
