"""Files that people import: kept as they came, mapped, previewed, confirmed, stored chunk by chunk (E1).

A service brings the rules (``Importer``): which columns there are, what a row becomes and how it is stored. It adds
the tables to its own (``add_import_tables``, ``migration.create_import_tables``), the resource ``/imports``
(``import_blueprint``) and a job that calls ``store_next_import``.
"""

from billhook_common.imports.api import import_blueprint
from billhook_common.imports.models import FileImport, ImportRow, add_import_tables
from billhook_common.imports.rules import Examined, FailedRow, FileRow, Importer
from billhook_common.imports.store import store_next_import

__all__ = [
    "Examined",
    "FailedRow",
    "FileImport",
    "FileRow",
    "ImportRow",
    "Importer",
    "add_import_tables",
    "import_blueprint",
    "store_next_import",
]
