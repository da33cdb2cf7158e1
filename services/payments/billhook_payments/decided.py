"""What the operator's staff decides about recognising payments."""

from typing import Any

from billhook_common.settings import Amount, Setting, WholeNumber, YesNo

AUTO_LIMIT = Amount(
    name="auto_limit",
    title="Largest payment paired without a person",
    doc="Amount in the home currency above which a person confirms every pairing; empty: no limit.",
    default=None,
    config_field="auto_limit",
)
PAID_DOCUMENT_DAYS = WholeNumber(
    name="paid_document_days",
    title="Paid invoices still recognised",
    doc="Days after issue that a paid invoice is still recognised, to see that it is paid a second time.",
    default=100,
    config_field="paid_document_days",
    least=1,
    most=3_650,
    unit="days",
)
REMEMBER_PAYERS = YesNo(
    name="remember_payers",
    title="Remember who pays from which account",
    doc="Whether a paired payment makes its payer's account known as the customer's, for the next one.",
    default=True,
)
SETTINGS: tuple[Setting[Any], ...] = (AUTO_LIMIT, PAID_DOCUMENT_DAYS, REMEMBER_PAYERS)
