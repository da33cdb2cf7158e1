"""Items come into stock, go out and come back; each time a movement is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.contracts.inventory import ItemAssigned, ItemMoved, ItemReturned
from billhook_common.errors import Conflict, Invalid, NotFound, NotKnownYet
from billhook_common.etags import check_version
from billhook_common.events import publish
from billhook_common.ids import uuid7
from billhook_inventory.domain.moves import condition_after_return, give_out, take_back
from billhook_inventory.models import Customer, Item, Movement, Product


class SerialTaken(Conflict):
    """Another item has this serial number, letter case apart."""

    title = "The serial number is taken"


class UnknownProduct(Invalid):
    """The product named in the body is not there."""

    title = "There is no such product"


@dataclass(frozen=True, slots=True)
class _Step:
    """What is noted of a movement: what was done, by whom, and the values that were replaced."""

    action: str
    actor: str
    note: str
    before: Mapping[str, str] | None = None


def receive_item(session: Session, clock: Clock, actor: str, *, product_id: UUID, details: Mapping[str, str]) -> UUID:
    """A new item in stock; returns the id. ``details``: serial, barcode, condition, location, note.

    Raises UnknownProduct, SerialTaken.
    """
    if session.get(Product, product_id) is None:
        raise UnknownProduct("There is no such product.", pointer="/product_id")
    made: UUID | None = session.scalar(
        upsert(Item)
        .values(
            id=uuid7(), version=1, product_id=product_id, status="in_stock", serial_key=details["serial"].upper(),
            search=_search(details["serial"], details["barcode"]), **details,
        )
        .on_conflict_do_nothing(index_elements=[Item.serial_key])
        .returning(Item.id)
    )  # fmt: skip
    if made is None:
        raise SerialTaken(f"“{details['serial']}” is in the books already.", pointer="/serial")
    _keep(session, clock, _locked(session, made), _Step("received", actor, details["note"]))
    return made


def change_item(
    session: Session, clock: Clock, actor: str, item_id: UUID, changes: Mapping[str, str], *, seen: int | None
) -> None:
    """Set barcode, condition, location or note; nothing happens where all are as they were.

    Raises NotFound, VersionGone when the version ``seen`` is not the present one.
    """
    item = _locked(session, item_id)
    check_version(session, item_id, seen=seen, present=item.version)
    before = {name: getattr(item, name) for name, value in changes.items() if getattr(item, name) != value}
    if not before:
        return
    for name in before:
        setattr(item, name, changes[name])
    item.search = _search(item.serial, item.barcode)
    item.version += 1
    _keep(session, clock, item, _Step("changed", actor, changes.get("note", ""), before))


def assign_item(session: Session, clock: Clock, actor: str, item_id: UUID, *, customer_id: UUID, note: str) -> None:
    """An item goes to a customer, without invoice.

    Raises NotFound, ItemIsNotInStock, ItemIsBroken, and NotKnownYet while the customer's event is on its way.
    """
    item = _locked(session, item_id)
    if session.get(Customer, customer_id) is None:
        raise NotKnownYet("The customer has not arrived here yet.", pointer="/customer_id")
    item.status = give_out(item.status, item.condition, "assigned")
    item.customer_id = customer_id
    item.version += 1
    _keep(session, clock, item, _Step("assigned", actor, note))
    _tell(session, clock, ItemAssigned, item, customer_id)


def use_item(session: Session, clock: Clock, actor: str, item_id: UUID, *, note: str) -> None:
    """An item is taken for own use. Raises NotFound, ItemIsNotInStock, ItemIsBroken."""
    item = _locked(session, item_id)
    item.status = give_out(item.status, item.condition, "internal_usage")
    item.version += 1
    _keep(session, clock, item, _Step("used", actor, note))


def return_item(session: Session, clock: Clock, actor: str, item_id: UUID, *, details: Mapping[str, str]) -> None:
    """An item comes back into stock. ``details``: note, and condition and location where they are known.

    Raises NotFound, ItemIsInStock.
    """
    item = _locked(session, item_id)
    customer_id = item.customer_id
    item.status = take_back(item.status)
    item.condition = condition_after_return(item.condition, details.get("condition"))
    item.location = details.get("location", item.location)
    item.customer_id = None
    item.version += 1
    _keep(session, clock, item, _Step("returned", actor, details["note"]))
    if customer_id is not None:
        _tell(session, clock, ItemReturned, item, customer_id)


def _search(serial: str, barcode: str) -> str:
    return f"{serial} {barcode}".upper()


def _locked(session: Session, item_id: UUID) -> Item:
    item = session.get(Item, item_id, with_for_update=True)
    if item is None:
        raise NotFound("There is no such item.")
    return item


def _keep(session: Session, clock: Clock, item: Item, step: _Step) -> None:
    session.flush()
    now = {name: getattr(item, name) for name in ("status", "condition", "location", "customer_id")}
    session.add(
        Movement(
            id=uuid7(), item_id=item.id, action=step.action, at=clock.now(), actor=step.actor, note=step.note, **now
        )
    )
    audit(session, clock, f"item_{step.action}", item.id, before=step.before, after={**now, "note": step.note})


def _tell(session: Session, clock: Clock, fact: type[ItemMoved], item: Item, customer_id: UUID) -> None:
    product = session.get_one(Product, item.product_id)
    moved = fact(
        item_id=item.id,
        version=item.version,
        serial=item.serial,
        product=product.name,
        customer_id=customer_id,
        on=clock.today(),
    )
    publish(session, clock, moved, subject=item.id, customer_id=customer_id, version=item.version)
