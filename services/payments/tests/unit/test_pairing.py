"""Whose payment is it: evidence, zones, vetoes; deterministic and never more than was paid."""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook_common.bank_formats import References
from billhook_common.money import Money
from billhook_payments.domain.incoming import Incoming
from billhook_payments.domain.index import KnownCustomer, KnownDocument, PairingIndex
from billhook_payments.domain.pairing import Decision, PairingRules, pair

pytestmark = pytest.mark.unit

ANNA, JAN, EVA, FIRM, GONE = (UUID(int=number) for number in range(1, 6))
ISSUED = dt.date(2026, 11, 1)
BOOKED = dt.date(2026, 11, 24)
RF_ANNA = "RF18539007547034"
RF_ANNA_123 = "RF462026000123"

CUSTOMERS = (
    KnownCustomer(ANNA, "10000037", "anna.n37", ("Anna Nováková",), (RF_ANNA,)),
    KnownCustomer(JAN, "10000074", "jan.dvorak", ("Jan Dvořák",)),
    KnownCustomer(EVA, "1042", "eva", ("Eva Horáková", "Eva Malá"), ("555000111",)),
    KnownCustomer(FIRM, "C-10420", "", ("Müller & Söhne GmbH",)),
    KnownCustomer(GONE, "10000111", "karel.stary", ("Karel Starý",), is_closed=True),
)


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def a_document(
    number: int, customer: UUID, amount: str, *, reference: str = "", issued_on: dt.date = ISSUED, currency: str = "EUR"
) -> KnownDocument:
    name = f"INV-2026-{number:06}"
    return KnownDocument(UUID(int=number + 1000), customer, name, Money.of(amount, currency), issued_on, reference)


DOCUMENTS = (
    a_document(123, ANNA, "29.90", reference=RF_ANNA_123),
    a_document(124, ANNA, "10.00"),
    a_document(125, ANNA, "0.00"),
    a_document(200, JAN, "29.90"),
    a_document(300, EVA, "49.00"),
    a_document(301, EVA, "51.00"),
    a_document(400, FIRM, "299.00"),
    a_document(401, FIRM, "1000.00", currency="CZK"),
    a_document(500, GONE, "14.50"),
)
DOCUMENT_123, DOCUMENT_124 = DOCUMENTS[0].id, DOCUMENTS[1].id
INDEX = PairingIndex(CUSTOMERS, DOCUMENTS)


def a_payment(
    amount: str = "29.90",
    *lines: str,
    name: str = "",
    account: str = "CZ65",
    references: References | None = None,
    booked_on: dt.date = BOOKED,
) -> Incoming:
    return Incoming(eur(amount), booked_on, name, account, lines, references or References())


def decide(payment: Incoming, rules: PairingRules | None = None, index: PairingIndex = INDEX) -> Decision:
    return pair(payment, index, rules or PairingRules())


def points(decision: Decision) -> dict[str, int]:
    return {evidence.rule: evidence.points for evidence in decision.evidence}


def vetoes(decision: Decision) -> list[str]:
    return [veto.rule for veto in decision.vetoes]


def with_payers(payers: Mapping[str, Mapping[UUID, int]], blocked: frozenset[str] = frozenset()) -> PairingIndex:
    return PairingIndex(CUSTOMERS, DOCUMENTS, payers, blocked)


def test_the_reference_of_an_invoice_names_customer_and_document() -> None:
    decision = decide(a_payment(references=References(creditor_ref="RF46 2026 0001 23")))
    assert (decision.zone, decision.customer_id, decision.score) == ("auto", ANNA, 100)
    assert decision.documents == ((DOCUMENT_123, eur("29.90")),)
    assert points(decision) == {"checked_reference": 100, "amount": 20, "date": 5}
    assert decision.candidates[0].customer_id == ANNA


def test_the_reference_of_a_customer_names_no_document() -> None:
    decision = decide(a_payment("5.00", "Internet RF18 5390 0754 7034"))
    assert (decision.zone, decision.customer_id, decision.documents) == ("auto", ANNA, ())


@pytest.mark.parametrize("symbol", ["2026000123", "10000037", "0010000037", "555000111", "1042"])
def test_a_variable_symbol_is_an_invoice_or_a_customer(symbol: str) -> None:
    decision = decide(a_payment("5.00", references=References(variable_symbol=symbol)))
    assert decision.score >= 90
    assert decision.zone == "auto"
    assert decision.customer_id == (EVA if symbol in {"555000111", "1042"} else ANNA)


def test_an_end_to_end_id_counts_only_if_it_is_no_mere_counter() -> None:
    assert decide(a_payment("5.00", references=References(end_to_end="555000111"))).zone == "auto"
    weak = decide(a_payment("5.00", references=References(end_to_end="000001042")))
    assert (weak.zone, points(weak)["customer_number"]) == ("queue", 40)


@pytest.mark.parametrize(
    ("lines", "score_of_rule"),
    [
        (("Invoice INV-2026-000123",), 90),
        (("inv 2026/123",), 90),
        (("Rechnung INV-2026-00", "0123"),90),
        (("INV-2O26-OOO123",), 80),
        (("2026000123",), 80),
    ],
)  # fmt: skip
def test_an_invoice_number_and_its_amount_are_enough(lines: tuple[str, ...], score_of_rule: int) -> None:
    decision = decide(a_payment("29.90", *lines))
    assert points(decision)["document_number"] == score_of_rule
    assert (decision.zone, decision.customer_id) == ("auto", ANNA)
    assert decision.documents == ((DOCUMENT_123, eur("29.90")),)


def test_several_invoices_are_paid_in_the_order_in_which_they_are_named() -> None:
    decision = decide(a_payment("39.90", "INV-2026-000124, INV-2026-000123"))
    assert decision.zone == "auto"
    assert decision.documents == ((DOCUMENT_124, eur("10.00")), (DOCUMENT_123, eur("29.90")))


def test_a_part_payment_is_proposed_and_an_overpayment_leaves_credit() -> None:
    part = decide(a_payment("12.00", "INV-2026-000124 INV-2026-000123"))
    assert part.documents == ((DOCUMENT_124, eur("10.00")), (DOCUMENT_123, eur("2.00")))
    over = decide(a_payment("50.00", "INV-2026-000123"))
    assert over.documents == ((DOCUMENT_123, eur("29.90")),)
    for decision in (part, over):
        assert (decision.zone, decision.customer_id) == ("propose", ANNA)
        assert points(decision)["amount"] == -10


def test_the_name_of_the_payer_supports_a_part_payment() -> None:
    decision = decide(a_payment("12.00", "INV-2026-000123", name="NOVAKOVA ANNA"))
    assert decision.zone == "auto"
    assert points(decision)["name"] == 30


def test_a_paid_invoice_is_probably_paid_twice() -> None:
    decision = decide(a_payment("19.90", "INV-2026-000125"))
    assert (decision.zone, decision.customer_id, decision.documents) == ("propose", ANNA, ())
    assert points(decision) == {"document_number": 90, "already_paid": -40}


def test_an_invoice_from_after_the_payment_gets_no_points_for_dates() -> None:
    decision = decide(a_payment("29.90", "INV-2026-000123", booked_on=dt.date(2026, 10, 1)))
    assert "date" not in points(decision)


@pytest.mark.parametrize(
    ("text", "customer", "rule_points"),
    [
        ("zakaznik 10000037", ANNA, 80),
        ("login anna.n37", ANNA, 80),
        ("c-10420", FIRM, 80),
        ("VS 555000111", EVA, 90),
        ("number 1042", EVA, 40),
        ("eva", EVA, 40),
    ],
)
def test_numbers_and_logins_in_the_text(text: str, customer: UUID, rule_points: int) -> None:
    decision = decide(a_payment("7.77", text))
    assert max(points(decision).values()) == rule_points
    assert decision.candidates[0].customer_id == customer
    assert decision.zone == ("queue" if rule_points == 40 else "auto" if rule_points >= 90 else "propose")


def test_a_reference_of_letters_and_digits_in_the_text_is_as_good_as_in_its_field() -> None:
    index = PairingIndex([dataclasses.replace(CUSTOMERS[1], references=("NET7X42K",))], [])
    assert decide(a_payment("7.77", "platba net7x42k"), index=index).score == 100


def test_a_customer_number_and_an_amount_owed_are_enough() -> None:
    decision = decide(a_payment("100.00", "zakaznik 10000037"))
    assert decision.zone == "propose"
    for amount in ("29.90", "39.90"):
        assert decide(a_payment(amount, "zakaznik 10000037")).zone == "auto"
    everything = decide(a_payment("100.00", "number 1042"))
    assert (points(everything)["amount"], everything.zone) == (20, "propose")


def test_a_name_and_an_amount_are_only_a_proposal() -> None:
    decision = decide(a_payment("299.00", "Internet", name="Mueller Soehne GmbH"))
    assert (decision.zone, decision.customer_id, decision.documents) == ("propose", FIRM, ())
    assert points(decision) == {"amount": 20, "amount_unique": 10, "date": 5, "name": 30}


def test_a_similar_name_is_half_as_good() -> None:
    assert points(decide(a_payment("299.00", name="Muller Sohnar GmbH")))["name"] == 15


def test_a_name_that_two_have_is_half_as_good() -> None:
    twin = KnownCustomer(UUID(int=9), "10000999", names=("Jan Dvořák",))
    decision = decide(a_payment(name="Jan Dvorak"), index=PairingIndex((*CUSTOMERS, twin), DOCUMENTS))
    assert points(decision)["name"] == 15


def test_an_amount_alone_shows_candidates_but_proposes_nothing() -> None:
    decision = decide(a_payment("29.90", "Internet"))
    assert (decision.zone, decision.customer_id, decision.documents) == ("queue", None, ())
    assert {candidate.customer_id for candidate in decision.candidates} == {ANNA, JAN}
    assert decision.reason == "The amount is what is open of INV-2026-000123"


def test_an_amount_that_many_owe_shows_nobody() -> None:
    many = [a_document(1000 + number, JAN, "7.00") for number in range(6)]
    decision = decide(a_payment("7.00"), index=PairingIndex(CUSTOMERS, many))
    assert decision.candidates == ()
    assert decision.reason == "Nothing in the payment names a customer"


@pytest.mark.parametrize(("times", "rule_points", "zone"), [(1, 50, "propose"), (2, 70, "auto"), (9, 70, "auto")])
def test_an_account_that_paid_before_is_remembered(times: int, rule_points: int, zone: str) -> None:
    decision = decide(a_payment("299.00", "Internet", account="DE1"), index=with_payers({"DE1": {FIRM: times}}))
    assert (points(decision)["known_payer"], decision.zone) == (rule_points, zone)


def test_an_account_that_paid_for_several_is_no_evidence() -> None:
    decision = decide(a_payment("77.00", account="DE1"), index=with_payers({"DE1": {FIRM: 5, ANNA: 1}}))
    assert (decision.zone, decision.score) == ("queue", 0)
    assert points(decision) == {"known_payer": 0}


def test_a_payment_without_an_account_remembers_nobody() -> None:
    assert decide(a_payment("77.00", account=""), index=with_payers({"": {FIRM: 5}})).candidates == ()


def test_references_of_two_customers_contradict_each_other() -> None:
    decision = decide(a_payment("29.90", "INV-2026-000123 INV-2026-000200"))
    assert decision.zone == "propose"
    assert "two_customers_named" in vetoes(decision)


def test_a_parent_who_names_the_child_is_not_paired_with_the_parent() -> None:
    memory = with_payers({"DE1": {ANNA: 5}})
    payment = a_payment("29.90", "Internet Jan Dvorak", name="Anna Novakova", account="DE1")
    decision = decide(payment, index=memory)
    assert (decision.zone, vetoes(decision)) == ("propose", ["other_name_in_text"])
    assert {candidate.customer_id for candidate in decision.candidates} == {ANNA, JAN}


def test_a_name_in_the_text_that_two_have_vetoes_memory_but_no_reference() -> None:
    twin = KnownCustomer(UUID(int=9), "10000999", names=("Jan Dvořák",))
    index = PairingIndex((*CUSTOMERS, twin), DOCUMENTS, {"DE1": {ANNA: 5}})
    by_memory = decide(a_payment("29.90", "Internet Jan Dvorak", account="DE1"), index=index)
    assert vetoes(by_memory) == ["other_name_in_text"]
    by_reference = decide(a_payment("29.90", f"{RF_ANNA_123} Jan Dvorak"), index=index)
    assert by_reference.zone == "auto"


def test_a_namesake_who_owes_the_same_amount_may_have_mistyped() -> None:
    decision = decide(a_payment("29.90", "INV-2026-000123", name="Jan Dvorak"))
    assert (decision.zone, vetoes(decision)) == ("propose", ["payer_owes_the_same"])
    checked = decide(a_payment("29.90", RF_ANNA_123, name="Jan Dvorak"))
    assert (checked.zone, checked.customer_id) == ("auto", ANNA)
    own_name = decide(a_payment("29.90", "INV-2026-000123", name="Anna Novakova"))
    assert own_name.zone == "auto"


def test_a_foreign_payer_who_names_the_invoice_is_paired() -> None:
    decision = decide(a_payment("29.90", "INV-2026-000123", name="Somebody Else"))
    assert (decision.zone, decision.customer_id) == ("auto", ANNA)


def test_a_closed_account_and_a_blocked_payer_need_a_person() -> None:
    assert vetoes(decide(a_payment("14.50", "INV-2026-000500"))) == ["customer_closed"]
    blocked = decide(a_payment("29.90", "INV-2026-000123"), index=with_payers({}, frozenset({"CZ65"})))
    assert (blocked.zone, vetoes(blocked)) == ("propose", ["blocked_account"])


def test_a_document_of_a_customer_who_is_not_known_yet_needs_a_person() -> None:
    decision = decide(a_payment("29.90", "INV-2026-000123"), index=PairingIndex([], DOCUMENTS))
    assert vetoes(decision) == ["customer_closed"]


def test_another_currency_is_never_paired_automatically() -> None:
    decision = decide(a_payment("1000.00", "INV-2026-000401", name="Muller Sohne GmbH"))
    assert (decision.zone, vetoes(decision), decision.documents) == ("propose", ["currency_mismatch"], ())
    assert points(decision)["amount"] == -10


def test_above_the_limit_a_person_confirms() -> None:
    payment = a_payment("299.00", "INV-2026-000400")
    assert decide(payment, PairingRules(auto_limit=eur("299.00"))).zone == "auto"
    decision = decide(payment, PairingRules(auto_limit=eur("298.99")))
    assert (decision.zone, vetoes(decision)) == ("propose", ["above_limit"])
    assert decision.reason == "More than 298.99 EUR is always confirmed by a person"
    assert decide(payment, PairingRules(auto_limit=Money.of("1", "CZK"))).zone == "auto"


def test_a_near_second_needs_a_person() -> None:
    decision = decide(a_payment("29.90", "INV-2026-000123", account="DE1"), index=with_payers({"DE1": {JAN: 2}}))
    assert [candidate.score for candidate in decision.candidates] == [100, 95]
    assert (decision.zone, decision.vetoes) == ("propose", ())


def test_thresholds_are_the_operators() -> None:
    payment = a_payment("299.00", name="Mueller Soehne GmbH")
    assert decide(payment, PairingRules(auto=60)).zone == "auto"
    assert decide(payment, PairingRules(propose=70)).zone == "queue"


def test_a_number_that_is_built_otherwise_is_a_word() -> None:
    odd = dataclasses.replace(DOCUMENTS[3], number="2026/A/12345")
    decision = decide(a_payment("29.90", "platim 2026/A/12345"), index=PairingIndex(CUSTOMERS, [odd]))
    assert (decision.zone, decision.documents) == ("auto", ((odd.id, eur("29.90")),))


def test_a_reference_that_stands_on_several_documents_names_none() -> None:
    shared = [dataclasses.replace(document, reference="777000111") for document in DOCUMENTS[:2]]
    payment = a_payment("29.90", references=References(creditor_ref="777000111"))
    decision = decide(payment, index=PairingIndex(CUSTOMERS, shared))
    assert (decision.zone, decision.customer_id, decision.documents) == ("auto", ANNA, ())


def test_the_reason_is_the_strongest_evidence() -> None:
    assert decide(a_payment("29.90", "INV-2026-000123")).reason == "INV-2026-000123 is in the text"
    assert decide(a_payment("29.90", "2026000123")).reason == "INV-2026-000123 is in the text as 2026000123"


WORDS = st.sampled_from(
    ["INV-2026-000123", "INV-2026-000124", "inv 2026/200", "10000037", "1042", RF_ANNA, RF_ANNA_123, "555000111",
     "Anna", "Nováková", "Jan", "Dvořák", "eva", "Internet", "2026000300", "INV-2026-", "000125"]
)  # fmt: skip


@given(
    lines=st.lists(st.lists(WORDS, max_size=4).map(" ".join), max_size=3),
    amount=st.sampled_from(["0.01", "10.00", "29.90", "39.90", "49.00", "100.00", "5000.00"]),
    name=st.sampled_from(["", "Anna Nováková", "JAN DVORAK", "Nobody"]),
    account=st.sampled_from(["", "DE1", "DE2", "DE3"]),
    symbol=st.sampled_from(["", "1042", "2026000124", "10000037"]),
)
def test_whatever_is_written_the_decision_keeps_its_promises(
    lines: list[str], amount: str, name: str, account: str, symbol: str
) -> None:
    index = with_payers({"DE1": {ANNA: 2}, "DE2": {JAN: 1, EVA: 1}}, frozenset({"DE3"}))
    payment = a_payment(amount, *lines, name=name, account=account, references=References(variable_symbol=symbol))
    decision = decide(payment, index=index)
    assert decision == decide(payment, index=with_payers(index.known_payers, index.blocked_accounts))
    assert sum((share.amount for _, share in decision.documents), Decimal(0)) <= payment.amount.amount
    open_of = {document.id: document for document in DOCUMENTS}
    for document_id, share in decision.documents:
        assert Money.zero("EUR") < share <= open_of[document_id].open
        assert open_of[document_id].customer_id == decision.customer_id
    assert len(decision.candidates) <= 3
    assert [one.score for one in decision.candidates] == sorted(
        (one.score for one in decision.candidates), reverse=True
    )
    if decision.zone == "auto":
        assert decision.score >= 90 and not decision.vetoes and account != "DE3"
        assert all(decision.score - other.score >= 30 for other in decision.candidates[1:])
    assert (decision.customer_id is None) == (decision.zone == "queue") == (decision.score < 50)
