"""The envelope: CloudEvents 1.0 in JSON, with the extension attributes of this suite."""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Annotated, Generic, Literal, TypeVar
from uuid import UUID

import msgspec

from billhook_common.contracts import Fact
from billhook_common.errors import BillhookError

Position = Annotated[int, msgspec.Meta(ge=1, lt=2**62)]
F_co = TypeVar("F_co", bound=Fact, covariant=True)


class Envelope(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One event on the wire; ``data`` stays encoded until a handler wants it.

    ``epoch`` and ``position`` are its number within its type; ``recipient`` is set when it goes to this service alone.
    """

    specversion: Literal["1.0"]
    id: UUID
    source: str
    type: str
    subject: UUID
    time: dt.datetime
    customerid: UUID | None = None
    version: int | None = None
    sourcekey: str | None = None
    correlationid: str | None = None
    causationid: str | None = None
    epoch: UUID | None = None
    position: Position | None = None
    recipient: str | None = None
    data: msgspec.Raw


@dataclass(frozen=True, slots=True)
class Event(Generic[F_co]):
    """One event as a handler sees it; ``raw`` is the envelope's JSON as it came."""

    id: UUID
    type: str
    source: str
    subject: UUID
    time: dt.datetime
    data: F_co
    customer_id: UUID | None
    version: int | None
    source_key: str | None
    correlation_id: str | None
    raw: bytes
    epoch: UUID | None = None
    position: int | None = None


UNDECODABLE, UNKNOWN_TYPE, UNREADABLE, TOO_LARGE, FORGED, BROKEN_BUNDLE = (
    "Undecodable", "UnknownType", "UnreadableData", "TooLarge", "Forged", "BrokenBundle",
)  # fmt: skip
"""Why an event is parked at once: what its fingerprint begins with."""
UNVOUCHED = (FORGED, BROKEN_BUNDLE)
"""Nobody vouches for what the bytes say of themselves, or nobody kept who sent them: they are never applied."""
EVENT_BYTES_MOST = 4_000_000
"""The largest honest event is a customer's charge with some thousand lines; a body above this is not even read."""


NAME = re.compile(r"[a-z][a-z0-9]*([_.-][a-z0-9]+){0,9}")
"""How types, services and other words of the contracts are written."""
HIDDEN = "‹hidden›"
"""Stands where something may be personal."""


def named(text: str) -> str:
    """A type or service as an event calls it, to be told to people; anything else may hold anything."""
    return text if len(text) <= 100 and NAME.fullmatch(text) else HIDDEN


class Undecodable(Exception):
    """The bytes are not an event that is known here; equal troubles have the same ``fingerprint``."""

    def __init__(self, detail: str, kind: str = UNDECODABLE, event_type: str = "") -> None:
        super().__init__(detail)
        self.kind = kind
        self.fingerprint = f"{kind} {named(event_type) if event_type else ''}".strip()


_decoder = msgspec.json.Decoder(Envelope)
_list_decoder = msgspec.json.Decoder(list[msgspec.Raw])
encode = msgspec.json.Encoder(decimal_format="string", uuid_format="canonical").encode


def decode_envelope(raw: bytes) -> Envelope:
    """Read one envelope; raises Undecodable."""
    if len(raw) > EVENT_BYTES_MOST:
        raise _too_large(raw)
    try:
        return _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Undecodable(f"not an event: {error}") from error


def decode_event(raw: bytes, envelope: Envelope, data_decoder: "msgspec.json.Decoder[Fact]") -> Event[Fact]:
    """Read the data of ``envelope``; raises Undecodable."""
    try:
        data = data_decoder.decode(envelope.data)
    except (msgspec.DecodeError, UnicodeDecodeError, ArithmeticError, BillhookError) as error:
        # BillhookError: an amount that no currency can hold would otherwise stop the whole queue.
        raise Undecodable(f"{named(envelope.type)}: {error}", UNREADABLE, envelope.type) from error
    return Event(
        id=envelope.id,
        type=envelope.type,
        source=envelope.source,
        subject=envelope.subject,
        time=envelope.time,
        data=data,
        customer_id=envelope.customerid,
        version=envelope.version,
        source_key=envelope.sourcekey,
        correlation_id=envelope.correlationid,
        raw=raw,
        epoch=envelope.epoch,
        position=envelope.position,
    )


def split_bundle(body: bytes) -> list[bytes]:
    """The events of one message, which is always a JSON array; raises Undecodable."""
    if len(body) > EVENT_BYTES_MOST:
        raise _too_large(body)
    try:
        return [bytes(item) for item in _list_decoder.decode(body)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Undecodable(f"not a bundle of events: {error}", BROKEN_BUNDLE) from error


def _too_large(raw: bytes) -> Undecodable:
    return Undecodable(f"{len(raw)} bytes; the most is {EVENT_BYTES_MOST}", TOO_LARGE)
