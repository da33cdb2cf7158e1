"""How people look for a customer: by words of the name, number, login or reference, without accents."""

from billhook_payments.domain.names import fold_words

WORDS = 8  # of a query; more tell nothing


def search_text(*texts: str) -> str:
    """What a customer is found by: the folded words of all texts."""
    return " ".join(fold_words(" ".join(texts)))


def search_words(query: str) -> list[str]:
    """The words of a query, each of which must be in the search text."""
    return fold_words(query)[:WORDS]
