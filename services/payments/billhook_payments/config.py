"""Settings of payments beyond those of every service."""

from dataclasses import dataclass

from billhook_common.config import ServiceConfig, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentsConfig(ServiceConfig):
    """A request may be a little larger than a bank file, for the form around it."""

    upload_limit_bytes: int = setting(
        "BILLHOOK_PAYMENTS_UPLOAD_LIMIT_BYTES", 51_000_000, "largest request with a bank file"
    )
    bank_file_limit_bytes: int = setting(
        "BILLHOOK_PAYMENTS_BANK_FILE_LIMIT_BYTES", 50_000_000, "largest bank file: about 50,000 entries"
    )
    auto_limit: str = setting(
        "BILLHOOK_PAYMENTS_AUTO_LIMIT",
        "",
        "default of the setting auto_limit, until somebody decides otherwise; empty: no limit",
    )
    paid_document_days: int = setting(
        "BILLHOOK_PAYMENTS_PAID_DOCUMENT_DAYS",
        100,
        "default of the setting paid_document_days, until somebody decides otherwise",
    )
