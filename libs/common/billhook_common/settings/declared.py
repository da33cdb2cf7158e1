"""What a service declares: the name, type, default and limits of each of its settings."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Generic, TypeVar

from billhook_common.config import ConfigError, ServiceConfig
from billhook_common.logs import get_logger

log = get_logger()

T = TypeVar("T")

_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting(ABC, Generic[T]):
    """A setting; ``title`` and ``doc`` are for people, ``default`` holds until somebody decides otherwise.

    ``config_field``: the field of the service's configuration whose value, if it is given, is the default.
    ``by_partner``: it may be decided for one partner alone. ``right``: what deciding it asks for. ``allowed`` raises
    ValueError for a value that this installation cannot keep.
    """

    kind: ClassVar[str]
    name: str
    title: str
    doc: str
    default: T
    config_field: str = ""
    by_partner: bool = False
    right: str = "settings:write"
    allowed: Callable[[T, Any], None] | None = None

    @abstractmethod
    def read(self, value: object) -> T:
        """The value of what JSON brought; raises ValueError with a message for people."""

    @abstractmethod
    def read_text(self, text: str) -> T:
        """The value of a configuration's text; raises ValueError."""

    def write(self, value: T) -> Any:
        """The value as JSON knows it."""
        return value

    def limits(self) -> dict[str, Any]:
        """What restricts the value, by name."""
        return {}

    def kept(self, stored: object, config: ServiceConfig) -> T:
        """The value of a decision, of which only as much counts as today's limits allow; else the default."""
        try:
            return self.read(self.allowed_part(stored))
        except ValueError as error:
            log.error("setting_out_of_limits", setting=self.name, error=str(error))
            return self.default_in(config)

    def allowed_part(self, stored: object) -> object:
        """What an earlier release let somebody decide, brought within the limits of this one where that makes sense."""
        return stored

    def default_in(self, config: ServiceConfig) -> T:
        """The default of this installation. Raises ConfigError when the environment holds no such value."""
        given = str(getattr(config, self.config_field)) if self.config_field else ""
        if not given:
            return self.default
        try:
            return self.read_text(given)
        except ValueError as error:
            raise ConfigError(f"{self.name}: the default from the environment, {given!r}: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeNumber(Setting[int]):
    """A number from ``least`` to ``most``, both included, of ``unit``."""

    kind: ClassVar[str] = "whole_number"
    least: int
    most: int
    unit: str

    def read(self, value: object) -> int:
        """An integer within the limits."""
        if not isinstance(value, int) or isinstance(value, bool) or not self.least <= value <= self.most:
            raise ValueError(f"A whole number from {self.least} to {self.most}.")
        return value

    def read_text(self, text: str) -> int:
        """Digits."""
        return self.read(int(text)) if text.isascii() and text.isdigit() and len(text) < 10 else self.read(None)

    def allowed_part(self, stored: object) -> object:
        """The nearest number allowed."""
        return min(max(stored, self.least), self.most) if isinstance(stored, int) else stored

    def limits(self) -> dict[str, Any]:
        """The ends and the unit."""
        return {"least": self.least, "most": self.most, "unit": self.unit}


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount(Setting[Decimal | None]):
    """An amount in the home currency above zero, or None where ``doc`` says what that means."""

    kind: ClassVar[str] = "amount"

    def read(self, value: object) -> Decimal | None:
        """A decimal string, or null."""
        if value is None:
            return None
        if not isinstance(value, str) or not _AMOUNT.fullmatch(value) or not Decimal(value):
            raise ValueError('An amount above zero as a string, such as "500.00", or null.')
        return Decimal(value)

    def read_text(self, text: str) -> Decimal | None:
        """The same."""
        return self.read(text)

    def write(self, value: Decimal | None) -> str | None:
        """A decimal string, or null."""
        return None if value is None else f"{value:.2f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class YesNo(Setting[bool]):
    """Yes or no."""

    kind: ClassVar[str] = "yes_no"

    def read(self, value: object) -> bool:
        """true or false."""
        if not isinstance(value, bool):
            raise ValueError("true or false.")
        return value

    def read_text(self, text: str) -> bool:
        """``True`` or ``False``, as configurations write it."""
        return self.read({"true": True, "false": False}.get(text.lower()))


@dataclass(frozen=True, slots=True, kw_only=True)
class SomeOf(Setting[frozenset[str]]):
    """Some, all or none of ``options``."""

    kind: ClassVar[str] = "some_of"
    options: tuple[str, ...]

    def read(self, value: object) -> frozenset[str]:
        """A list of options."""
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValueError(f"A list with some of: {', '.join(self.options)}.")
        unknown = sorted(set(value) - set(self.options))
        if unknown:
            raise ValueError(f"There is no {', '.join(unknown)[:200]}; there are {', '.join(self.options)}.")
        return frozenset(value)

    def read_text(self, text: str) -> frozenset[str]:
        """Options separated by commas."""
        return self.read([item.strip() for item in text.split(",") if item.strip()])

    def write(self, value: frozenset[str]) -> list[str]:
        """In the order of the options."""
        return [option for option in self.options if option in value]

    def allowed_part(self, stored: object) -> object:
        """The options that still are some."""
        return [item for item in stored if item in self.options] if isinstance(stored, list) else stored

    def limits(self) -> dict[str, Any]:
        """What there is."""
        return {"options": list(self.options)}


def check_settings(settings: Iterable[Setting[Any]], config: ServiceConfig) -> None:
    """Refuse to start with a default that is out of its limits. Raises ConfigError."""
    for setting in settings:
        setting.default_in(config)
