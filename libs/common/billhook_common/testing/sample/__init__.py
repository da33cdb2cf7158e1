"""The smallest service there is, for tests of the chassis: counters, and a listener that counts along."""

from typing import Any, ClassVar
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from billhook_common.api import AnyRow, Blueprint, PageSchema, ctx, json_response, page_of
from billhook_common.auth import requires
from billhook_common.clock import Clock
from billhook_common.contracts import Fact
from billhook_common.db import COLUMN_TYPES, service_metadata
from billhook_common.errors import Conflict, NotFound
from billhook_common.events import Context, Event, Handlers, NotYet, publish
from billhook_common.ids import uuid7
from billhook_common.lists import ListQuery, Sorting
from billhook_common.service import Service
from billhook_common.settings import Amount, Setting, SomeOf, WholeNumber, YesNo


class Base(DeclarativeBase):
    """The sample's tables."""

    metadata = service_metadata()
    type_annotation_map = COLUMN_TYPES


class Counter(Base):
    """A named number."""

    __tablename__ = "counter"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    value: Mapped[int]


class Counted(Fact, frozen=True, kw_only=True):
    """A counter moved by ``step``."""

    TYPE: ClassVar[str] = "sample.counter.counted.v1"
    counter_id: UUID
    name: str
    step: int


class CounterTaken(Conflict):
    """Names are given out once."""

    title = "There is a counter of this name"


class CounterSchema(Schema):
    """A counter."""

    name = fields.String(required=True, validate=validate.Length(1, 50))
    step = fields.Integer(load_default=1, strict=True)


class CounterPageSchema(PageSchema):
    """A page of counters."""

    items = fields.List(fields.Nested(CounterSchema))


blueprint = Blueprint("counters", __name__, url_prefix="/counters", description="Counters")


def count(session: Session, clock: Clock, counter: Counter, step: int) -> None:
    """Move a counter and tell."""
    counter.value += step
    fact = Counted(counter_id=counter.id, name=counter.name, step=step)
    publish(session, clock, fact, subject=counter.id)


_SORTING = Sorting("name", name=(Counter.name,), value=(Counter.value, Counter.id))


class CounterQuerySchema(ListQuery):
    """In which order."""

    sort = _SORTING.field()


@blueprint.route("", methods=["POST"])
@requires("sample:write")
@blueprint.arguments(CounterSchema)
@blueprint.response(201, CounterSchema)
def make_counter(body: dict[str, Any]) -> Response:
    """A new counter."""
    if ctx.session.scalar(select(Counter).where(Counter.name == body["name"])):
        raise CounterTaken(f"{body['name']} exists.", pointer="/name")
    counter = Counter(id=uuid7(), name=body["name"], value=0)
    ctx.session.add(counter)
    ctx.session.flush()
    count(ctx.session, ctx.clock, counter, body["step"])
    return json_response({"id": counter.id, "name": counter.name, "value": counter.value}, 201)


@blueprint.route("/<uuid:counter_id>/pay", methods=["POST"])
@requires("sample:write", key=True)
@blueprint.response(200, CounterSchema)
def pay(counter_id: UUID) -> Response:
    """A command that must not happen twice."""
    counter = ctx.session.get(Counter, counter_id, with_for_update=True)
    if counter is None:
        raise NotFound("There is no such counter.")
    count(ctx.session, ctx.clock, counter, 1)
    return json_response({"id": counter.id, "value": counter.value})


@blueprint.route("", methods=["GET"])
@requires("sample:read")
@blueprint.arguments(CounterQuerySchema, location="query")
@blueprint.response(200, CounterPageSchema)
def list_counters(wanted: dict[str, Any]) -> Response:
    """By name, or as ``sort`` says."""
    return page_of(ctx.session, select(Counter), _SORTING.keys(wanted["sort"]), _item)


@blueprint.route("/broken", methods=["GET"])
@requires("sample:read")
@blueprint.response(200)
def broken() -> Response:
    """A defect."""
    raise ZeroDivisionError("a secret detail")


def _item(row: AnyRow) -> dict[str, Any]:
    counter: Counter = row.Counter
    return {"id": counter.id, "name": counter.name, "value": counter.value}


listening = Handlers()


@listening(Counted)
def count_along(ctx: Context, event: Event[Counted]) -> None:
    """Add up what the sample counted; ``wait…`` comes too early, ``poison`` never works."""
    if event.data.name == "poison":
        raise ValueError("cannot be applied")
    known = ctx.session.scalar(select(Counter).where(Counter.name == "gate"))
    if event.data.name.startswith("wait") and known is None:
        raise NotYet("the gate is not here")
    statement = upsert(Counter).values(id=event.data.counter_id, name=event.data.name, value=event.data.step)
    ctx.session.execute(
        statement.on_conflict_do_update(
            index_elements=[Counter.id], set_={"value": Counter.value + statement.excluded.value}
        )
    )


PACE = WholeNumber(
    name="pace", title="Pace", doc="How far a counter moves at once.", default=1, least=1, most=10, unit="steps",
    by_partner=True,
)  # fmt: skip
CEILING = Amount(name="ceiling", title="Ceiling", doc="Above it a person decides; empty: never.", default=None)
LOUD = YesNo(name="loud", title="Loud", doc="Whether it is told.", default=False)
COLOURS = SomeOf(
    name="colours", title="Colours", doc="What is seen.", default=frozenset(), options=("red", "green", "blue")
)
SETTINGS: tuple[Setting[Any], ...] = (PACE, CEILING, LOUD, COLOURS)


def sample_service(name: str = "sample", handlers: Handlers | None = None) -> Service:
    """A service with counters; ``sample_service("listener", listening)`` hears it."""
    return Service(
        name=name,
        package=__name__,
        title=f"Sample {name}",
        metadata=Base.metadata,
        blueprints=[blueprint],
        handlers=handlers or Handlers(),
        settings=SETTINGS,
    )
