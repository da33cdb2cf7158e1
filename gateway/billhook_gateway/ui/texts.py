"""Translated words. Every text a person reads goes through ``_`` in templates or ``gettext`` in code."""

from contextvars import ContextVar
from gettext import NullTranslations

SOURCE_TEXTS = NullTranslations()
_translations: ContextVar[NullTranslations] = ContextVar("translations", default=SOURCE_TEXTS)


def speak(translations: NullTranslations) -> None:
    """Use these translations for the rest of the request."""
    _translations.set(translations)


def gettext(message: str) -> str:
    """The message in the reader's language."""
    return _translations.get().gettext(message)


def ngettext(singular: str, plural: str, number: int) -> str:
    """The message in the reader's language and the plural form of ``number``."""
    return _translations.get().ngettext(singular, plural, number)


def N_(message: str) -> str:
    """Mark a module-level text for translation; it is translated where it is shown."""
    return message
