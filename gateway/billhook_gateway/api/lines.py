"""The form of short texts: one line, nothing that cannot be seen."""

from typing import Any

from marshmallow import ValidationError, fields, validate

from billhook_gateway.domain.logins import printable


class Line(fields.String):
    """A line of text of at most ``most`` characters; the spaces round it are dropped. ``required`` means not empty."""

    def __init__(self, *, most: int = 200, **options: Any) -> None:
        least = 1 if options.get("required") else 0
        super().__init__(validate=validate.Length(least, most), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs)).strip()
        if not printable(text):
            raise ValidationError("No control characters and no line breaks.")
        return text
