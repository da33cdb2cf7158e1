"""marshmallow fields for texts that people write, money and decimals: strings in JSON, documented as such."""

import re
from decimal import Decimal
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from billhook_common.errors import BillhookError
from billhook_common.money import Money

_MOST = Decimal(10) ** 12
_PLAIN = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")
"""No exponent, no NaN, no digits of other scripts: what a person would write."""
# Control characters, half surrogates (which no database stores) and the marks that turn the direction of writing.
_INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class PlainText(fields.String):
    """Text that people write, ``least`` to ``most`` characters; comes without blanks around it.

    Control characters are refused; line breaks are kept where ``lines`` is true, else made a blank.
    """

    def __init__(self, most: int, *, least: int = 0, lines: bool = False, **options: Any) -> None:
        super().__init__(validate=[validate.Length(least, most), *options.pop("validate", ())], **options)
        self._lines = lines

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        assert text is not None
        if _INVISIBLE.search(text):
            raise ValidationError("Holds invisible control characters.")
        return text.replace("\r\n", "\n").strip() if self._lines else " ".join(text.split())


class DecimalString(fields.Decimal):
    """A decimal as a JSON string: at most 12 digits before the point and ``decimals`` after it, finite."""

    def __init__(self, *, decimals: int = 6, **options: Any) -> None:
        super().__init__(as_string=True, **options)
        self._decimals = decimals

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        if not isinstance(value, (str, int)) or isinstance(value, bool) or not _PLAIN.fullmatch(str(value)):
            raise ValidationError('Send a decimal as a string, such as "29.90".')
        number = super()._deserialize(value, attr, data, **kwargs)
        assert number is not None
        if not number.is_finite() or abs(number) >= _MOST:
            raise ValidationError("The number is too large.")
        exponent = number.as_tuple().exponent
        if isinstance(exponent, int) and -exponent > self._decimals:
            raise ValidationError(f"At most {self._decimals} decimals.")
        return number


class MoneyField(fields.Field[Money]):
    """``{"amount": "29.90", "currency": "EUR"}`` ↔ Money, exact in the currency's own decimals (R1)."""

    def _serialize(self, value: Money | None, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else {"amount": f"{value.amount:f}", "currency": value.currency}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Money:
        if not isinstance(value, dict) or set(value) != {"amount", "currency"}:
            raise ValidationError('Send money as {"amount": "29.90", "currency": "EUR"}.')
        if not isinstance(value["amount"], str) or not isinstance(value["currency"], str):
            raise ValidationError("amount and currency are strings.")
        if not _PLAIN.fullmatch(value["amount"]):
            raise ValidationError('amount is a decimal such as "29.90".')
        try:
            return Money.of(value["amount"], value["currency"])
        except BillhookError as error:
            raise ValidationError(str(error)) from error


class MoneySchema(Schema):
    """How money looks in the API's documentation."""

    amount = DecimalString(required=True, metadata={"example": "29.90"})
    currency = fields.String(required=True, validate=validate.Length(equal=3), metadata={"example": "EUR"})


class PeriodSchema(Schema):
    """A half-open period (R2): ``until`` is the first day outside."""

    from_ = fields.Date(data_key="from", required=True)
    until = fields.Date(required=True)


class PageSchema(Schema):
    """A page of a list; subclass with ``items``."""

    next = fields.String(allow_none=True, metadata={"description": "Goes into ?after= of the next call."})


class ProblemErrorSchema(Schema):
    """One value that was refused."""

    pointer = fields.String(metadata={"example": "/lines/0/quantity"})
    message = fields.String()


class ProblemSchema(Schema):
    """An RFC 9457 problem."""

    type = fields.String()
    title = fields.String()
    status = fields.Integer()
    detail = fields.String()
    request_id = fields.String()
    errors = fields.List(fields.Nested(ProblemErrorSchema))
