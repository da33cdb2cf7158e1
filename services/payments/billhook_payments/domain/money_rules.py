"""What a payment, and the documents named for it, must satisfy."""

from billhook_common.errors import Conflict, Invalid


class AmountNotPositive(Invalid):
    """Money that goes the other way is a refund or a reversal."""

    title = "The amount must be above 0"


class DateInFuture(Invalid):
    """Money is recorded when it has moved."""

    title = "The day is in the future"


class NamedTooMuch(Invalid):
    """The documents together may not take more than was paid."""

    title = "The amounts of the documents are more than the payment"


class DocumentNamedTwice(Invalid):
    """One amount for one document."""

    title = "The document is named twice"


class DocumentOfAnotherCustomer(Conflict):
    """A payment pays documents of its own customer."""

    title = "The document is another customer's"


class NotHomeCurrency(Conflict):
    """Customers are billed in the home currency; money in another one stays in suspense until it is exchanged."""

    title = "Customers are not billed in this currency"


class WrongCurrency(Conflict):
    """Amounts of different currencies never mix; the customer owes in another one."""

    title = "The customer is not billed in this currency"


class PartsDiffer(Invalid):
    """The parts of a split sum to what the bank booked."""

    title = "The parts do not add up to the amount of the entry"


class PartOfSplit(Conflict):
    """An entry that was split is taken back as a whole."""

    title = "The payment is a part of a split bank entry; take back the entry"


class PaymentVoided(Conflict):
    """Once is enough."""

    title = "The payment is voided already"
