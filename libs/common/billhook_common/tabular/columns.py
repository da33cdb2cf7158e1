"""The columns that an importer understands, and which column of a file is which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from billhook_common.errors import FieldError
from billhook_common.tabular.cells import Parser
from billhook_common.tabular.names import fold
from billhook_common.tabular.problems import MappingWrong


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an importer.

    ``aliases`` are further header names with semicolons between them, in any language, case and accents
    aside. ``required``: must be mapped, and no row may leave it blank. ``filled``: may be left out of the
    mapping, but where it is mapped no row may leave it blank. ``unique``: no two rows may have the same
    value, letter case apart.
    """

    name: str
    title: str
    parser: Parser
    aliases: str = ""
    required: bool = field(default=False, kw_only=True)
    filled: bool = field(default=False, kw_only=True)
    unique: bool = field(default=False, kw_only=True)

    @property
    def needs_value(self) -> bool:
        """Whether a blank cell in this column is an error."""
        return self.required or self.filled


def suggest_mapping(header: Sequence[str], columns: Sequence[Column]) -> dict[str, str]:
    """Column name → header name, for each column whose name, title or alias is in the header; the rest is left out."""
    headers = {fold(name): name for name in reversed(header)}
    mapping: dict[str, str] = {}
    for column in columns:
        words = (column.name, column.title, *column.aliases.split(";"))
        found = next((headers[key] for key in map(fold, words) if key in headers), None)
        if found is not None:
            mapping[column.name] = found
    return mapping


def check_mapping(header: Sequence[str], mapping: Mapping[str, str], columns: Sequence[Column]) -> list[int]:
    """For each column in turn the place of its header, or -1 where it is not imported.

    Raises MappingWrong with a JSON pointer (``/mapping/login``) for each unknown column, unknown header,
    header that is used twice, and required column that is left out.
    """
    known = {column.name for column in columns}
    places = {name: place for place, name in enumerate(header)}
    errors = [
        FieldError(f"/mapping/{name}", "There is no such column to import") for name in mapping if name not in known
    ]
    taken: dict[str, str] = {}
    for column in columns:
        wanted = mapping.get(column.name)
        if wanted is None:
            if column.required:
                errors.append(FieldError(f"/mapping/{column.name}", f"“{column.title}” is required: choose its column"))
        elif wanted not in places:
            errors.append(FieldError(f"/mapping/{column.name}", f"The file has no column “{wanted[:100]}”"))
        elif wanted in taken:
            errors.append(FieldError(f"/mapping/{column.name}", f"“{wanted}” is already used for “{taken[wanted]}”"))
        else:
            taken[wanted] = column.title
    if errors:
        raise MappingWrong(errors[0].message, errors=errors)
    return [places[mapping[column.name]] if column.name in mapping else -1 for column in columns]
