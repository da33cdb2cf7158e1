"""What the CAMT reader makes of every version's ways to say the same."""

import datetime as dt
import io
from decimal import Decimal

import pytest

from billhook_common.bank_formats import ControlTotals, Counterparty, Entry, HandlerError, Return, Statement
from billhook_payments.formats.camt import Camt

pytestmark = pytest.mark.unit

DAY = dt.date(2026, 11, 24)
ACCOUNT = "<Acct><Id><IBAN>de89 3704 0044 0532 0130 00</IBAN></Id><Ccy>EUR</Ccy></Acct>"
DATES = "<BookgDt><Dt>2026-11-24</Dt></BookgDt><ValDt><DtTm>2026-11-25T23:59:59+14:00</DtTm></ValDt>"


def a_balance(code: str, amount: str, sign: str = "CRDT") -> str:
    kind = f"<Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
    return f'<Bal>{kind}<Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Dt><Dt>2026-11-24</Dt></Dt></Bal>'


def an_entry(
    amount: str = "29.90", *, sign: str = "CRDT", status: str = "<Sts>BOOK</Sts>", dates: str = DATES, inner: str = ""
) -> str:
    return f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>{status}{dates}{inner}</Ntry>'


def details(*transactions: str) -> str:
    return f"<NtryDtls>{''.join(f'<TxDtls>{one}</TxDtls>' for one in transactions)}</NtryDtls>"


def a_file(*parts: str, account: str = ACCOUNT, message: str = "BkToCstmrStmt", owner: str = "Stmt") -> bytes:
    header = "<Id>S1</Id><ElctrncSeqNb>7</ElctrncSeqNb><CreDtTm>2026-11-26T01:00:00Z</CreDtTm>"
    body = f"<{owner}>{header}{account}{''.join(parts)}</{owner}>"
    return f'<Document xmlns="urn:bank:own"><{message}><GrpHdr/>{body}</{message}></Document>'.encode()


def read(content: bytes) -> list[Statement]:
    return list(Camt().parse(io.BytesIO(content), {}))


def read_entry(**ways: str) -> Entry:
    (statement,) = read(a_file(an_entry(**ways)))
    return statement.entries[0]


def refusal(content: bytes) -> HandlerError:
    with pytest.raises(HandlerError) as caught:
        read(content)
    return caught.value


def test_account_is_normalised_and_days_are_those_that_were_written() -> None:
    (statement,) = read(a_file(an_entry()))
    assert statement.account == "DE89370400440532013000"
    assert (statement.reference, statement.sequence, statement.page) == ("S1", "7", 1)
    assert (statement.entries[0].booking_date, statement.entries[0].value_date) == (DAY, dt.date(2026, 11, 25))
    assert statement.entries[0].position == "entry 1, line 1"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("<Sts>BOOK</Sts>", "booked"),
        ("<Sts><Cd>BOOK</Cd></Sts>", "booked"),
        ("<Sts><Cd>PDNG</Cd></Sts>", "pending"),
        ("<Sts>FUTR</Sts>", "pending"),
        ("<Sts>INFO</Sts>", "information"),
    ],
)
def test_only_booked_entries_count(status: str, expected: str) -> None:
    (statement,) = read(a_file(an_entry(status=status)))
    assert statement.entries[0].status == expected
    assert len(statement.booked) == (expected == "booked")


def test_a_pending_entry_without_dates_has_the_day_of_the_message() -> None:
    assert read_entry(status="<Sts>PDNG</Sts>", dates="").booking_date == dt.date(2026, 11, 26)
    assert read_entry(dates="<ValDt><Dt>2026-11-20</Dt></ValDt>").booking_date == dt.date(2026, 11, 20)


def test_a_day_that_does_not_exist_becomes_the_last_of_its_month() -> None:
    (statement,) = read(a_file(an_entry(dates="<BookgDt><Dt>2026-02-30</Dt></BookgDt>")))
    assert statement.entries[0].booking_date == dt.date(2026, 2, 28)
    assert [warning.code for warning in statement.warnings] == ["date_clamped"]


@pytest.mark.parametrize(("sign", "role", "account_role"), [("CRDT", "Dbtr", "DbtrAcct"), ("DBIT", "Cdtr", "CdtrAcct")])
@pytest.mark.parametrize("wrap", ["{}", "<Pty>{}</Pty>"])
def test_the_counterparty_is_the_other_side_in_old_and_new_versions(
    sign: str, role: str, account_role: str, wrap: str
) -> None:
    party = wrap.format("<Nm>Jan Novák</Nm><PstlAdr><StrtNm>Dlouhá</StrtNm><BldgNb>1</BldgNb><Ctry>CZ</Ctry></PstlAdr>")
    own = "<Nm>Synthetic Net</Nm>"
    other = {"Dbtr": "Cdtr", "Cdtr": "Dbtr"}[role]
    account = f"<{account_role}><Id><IBAN>cz65 0800</IBAN></Id></{account_role}>"
    parties = f"<{other}>{own}</{other}><{role}>{party}</{role}>{account}"
    agent = f"<RltdAgts><{role}Agt><FinInstnId><BIC>GIBACZPX</BIC></FinInstnId></{role}Agt></RltdAgts>"
    entry = read_entry(sign=sign, inner=details(f"<RltdPties>{parties}</RltdPties>{agent}"))
    assert entry.counterparty == Counterparty("Jan Novák", "CZ650800", "GIBACZPX", "Dlouhá, 1, CZ")


def test_an_ultimate_debtor_is_named_when_the_debtor_is_not() -> None:
    parties = "<RltdPties><UltmtDbtr><Pty><Nm>Anna</Nm></Pty></UltmtDbtr></RltdPties>"
    assert read_entry(inner=details(parties)).counterparty.name == "Anna"


def test_in_a_return_the_parties_keep_their_roles() -> None:
    inner = details(
        "<Refs><EndToEndId>DD-7</EndToEndId><MndtId>M-1</MndtId></Refs>"
        "<AmtDtls><InstdAmt><Amt Ccy='EUR'>29.90</Amt></InstdAmt></AmtDtls>"
        "<Chrgs><TtlChrgsAndTaxAmt Ccy='EUR'>3.10</TtlChrgsAndTaxAmt></Chrgs>"
        "<RltdPties><Cdtr><Nm>Synthetic Net</Nm></Cdtr><Dbtr><Nm>Jan</Nm></Dbtr></RltdPties>"
        "<RtrInf><Rsn><Cd>AM04</Cd></Rsn></RtrInf>"
    )
    entry = read_entry(amount="33.00", sign="DBIT", inner=inner)
    assert entry.returned == Return("AM04", Decimal("29.90"), Decimal("3.10"))
    assert (entry.counterparty.name, entry.references.end_to_end, entry.references.mandate) == ("Jan", "DD-7", "M-1")


def test_a_return_without_a_code_is_still_a_return() -> None:
    entry = read_entry(sign="DBIT", inner=details("<RtrInf><AddtlInf>MD06</AddtlInf></RtrInf>"))
    assert entry.returned == Return("")


def test_a_reversal_is_booked_the_way_its_indicator_says() -> None:
    entry = read_entry(sign="DBIT", inner="<RvslInd>true</RvslInd>")
    assert (entry.amount, entry.is_reversal) == (Decimal("-29.90"), True)


def test_references_that_say_nothing_are_none() -> None:
    references = read_entry(
        inner="<AcctSvcrRef>NONREF</AcctSvcrRef>"
        + details("<Refs><EndToEndId>NOTPROVIDED</EndToEndId><AcctSvcrRef>B-1</AcctSvcrRef></Refs>")
    ).references
    assert (references.end_to_end, references.bank_ref) == ("", "B-1")


@pytest.mark.parametrize(
    "inner",
    [
        "<Refs><EndToEndId>/VS1234567890/SS1/KS0308</EndToEndId></Refs>",
        "<Refs><EndToEndId>/VS/1234567890/SS//KS/</EndToEndId></Refs>",
        "<RmtInf><Strd><CdtrRefInf><Ref>VS:1234567890</Ref></CdtrRefInf></Strd></RmtInf>",
    ],
)
def test_the_variable_symbol_is_found_where_banks_put_it(inner: str) -> None:
    references = read_entry(inner=details(inner)).references
    assert (references.variable_symbol, references.creditor_ref) == ("1234567890", "")


def test_all_remittance_lines_are_kept() -> None:
    remittance = (
        "<RmtInf><Ustrd>INV-2026-</Ustrd><Ustrd>000123</Ustrd><Strd><RfrdDocInf><Nb>INV-9</Nb></RfrdDocInf>"
        "<CdtrRefInf><Ref>RF18539007547034</Ref></CdtrRefInf><AddtlRmtInf>thanks</AddtlRmtInf></Strd></RmtInf>"
    )
    entry = read_entry(inner=details(remittance))
    assert entry.remittance == ("INV-2026-", "000123", "INV-9", "thanks")
    assert entry.references.creditor_ref == "RF18539007547034"
    assert read_entry(inner=details("<AddtlTxInf>cash</AddtlTxInf>")).remittance == ("cash",)
    assert read_entry(inner="<AddtlNtryInf>fee</AddtlNtryInf>").remittance == ("fee",)


def test_the_type_is_the_bank_transaction_code() -> None:
    code = "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>"
    assert read_entry(inner=code).type_code == "PMNT.RCDT.ESCT"
    assert read_entry(inner=details("<BkTxCd><Prtry><Cd>544</Cd></Prtry></BkTxCd>")).type_code == "544"


def test_a_batch_is_split_when_its_details_sum_up() -> None:
    part = '<Amt Ccy="EUR">{}</Amt><RmtInf><Ustrd>{}</Ustrd></RmtInf>'
    old = '<AmtDtls><TxAmt><Amt Ccy="EUR">9.90</Amt></TxAmt></AmtDtls><CdtDbtInd>CRDT</CdtDbtInd>'
    inner = f"<NtryDtls><Btch><NbOfTxs>2</NbOfTxs></Btch></NtryDtls>{details(part.format('20.00', 'first'), old)}"
    (statement,) = read(a_file(an_entry(inner=inner)))
    payments = statement.entries[0].payments()
    assert [(one.amount, one.remittance) for one in payments] == [(Decimal("20.00"), ("first",)), (Decimal("9.90"), ())]
    assert statement.warnings == ()


def test_debit_details_go_the_way_of_their_entry() -> None:
    part = '<Amt Ccy="EUR">{}</Amt>'
    entry = read_entry(sign="DBIT", inner=details(part.format("20.00"), part.format("9.90")))
    assert [one.amount for one in entry.payments()] == [Decimal("-20.00"), Decimal("-9.90")]


def test_in_a_batch_of_returns_every_party_keeps_its_role() -> None:
    part = (
        '<Amt Ccy="EUR">{}</Amt><RltdPties><Cdtr><Nm>Synthetic Net</Nm></Cdtr><Dbtr><Nm>{}</Nm></Dbtr></RltdPties>'
        "<RtrInf><Rsn><Cd>AM04</Cd></Rsn></RtrInf>"
    )
    entry = read_entry(sign="DBIT", inner=details(part.format("20.00", "Jan"), part.format("9.90", "Eva")))
    assert [one.counterparty.name for one in entry.payments()] == ["Jan", "Eva"]


def test_a_batch_of_which_details_are_missing_is_noted() -> None:
    inner = f"<NtryDtls><Btch><NbOfTxs>20</NbOfTxs></Btch></NtryDtls>{details('<Refs/>')}"
    (statement,) = read(a_file(an_entry(inner=inner)))
    assert [warning.code for warning in statement.warnings] == ["batch_without_details"]


@pytest.mark.parametrize(
    ("balances", "opening", "closing"),
    [
        ((a_balance("OPBD", "1"), a_balance("CLBD", "2"), a_balance("CLAV", "9")), 1, 2),
        ((a_balance("PRCD", "1", "DBIT"), a_balance("CLBD", "2")), -1, 2),
        ((a_balance("OPBD", "1"), a_balance("ITBD", "3")), 1, 3),
        ((a_balance("ITBD", "3"), a_balance("CLBD", "2")), 3, 2),
        ((a_balance("ITBD", "3"), a_balance("ITBD", "4")), 3, 4),
        ((a_balance("ITBD", "3"),), None, 3),
        ((), None, None),
    ],
)
def test_balances_of_whole_statements_and_of_pages(
    balances: tuple[str, ...], opening: int | None, closing: int | None
) -> None:
    (statement,) = read(a_file(*balances))
    found = [balance and balance.amount for balance in (statement.opening, statement.closing)]
    assert found == [opening, closing]


def test_the_messages_own_summary_is_kept_as_control_totals() -> None:
    summary = (
        "<TxsSummry><TtlNtries><NbOfNtries>1</NbOfNtries></TtlNtries><TtlCdtNtries><Sum>29.90</Sum></TtlCdtNtries>"
        "<TtlDbtNtries><Sum>0</Sum></TtlDbtNtries></TxsSummry>"
    )
    (statement,) = read(a_file(summary, an_entry()))
    assert statement.controls == ControlTotals(Decimal("29.90"), Decimal(0), 1)
    assert statement.proof.kind == "control_totals"


def test_pages_are_numbered_and_an_unfinished_one_is_noted() -> None:
    (statement,) = read(a_file("<StmtPgntn><PgNb>2</PgNb><LastPgInd>false</LastPgInd></StmtPgntn>"))
    assert (statement.page, [warning.code for warning in statement.warnings]) == (2, ["more_pages"])


def test_another_currency_than_the_accounts_is_noted() -> None:
    foreign = an_entry().replace("EUR", "CHF")
    (statement,) = read(a_file(an_entry(), foreign))
    assert [(warning.code, warning.position) for warning in statement.warnings] == [
        ("currency_mismatch", "entry 2, line 1")
    ]


def test_the_currency_may_stand_at_the_balance_only() -> None:
    account = ACCOUNT.replace("<Ccy>EUR</Ccy>", "")
    (statement,) = read(a_file(a_balance("OPBD", "1"), account=account))
    assert statement.currency == "EUR"


@pytest.mark.parametrize(
    "account",
    [
        "<Acct><Id><Othr><Id>123 45</Id></Othr></Id></Acct>",
        "<Acct><Id><BBAN>12345</BBAN></Id></Acct>",
        "<Acct><Id><PrtryAcct><Id>12345</Id></PrtryAcct></Id></Acct>",
    ],
)
def test_accounts_without_iban(account: str) -> None:
    (statement,) = read(a_file(account=account))
    assert statement.account == "12345"


def test_version_1_has_names_of_its_own() -> None:
    balances = a_balance("OPBD", "0").replace("<CdOrPrtry>", "").replace("</CdOrPrtry>", "")
    old = (
        "<TxDtls><RmtInf><Strd><CdtrRefInf><CdtrRef>RF18539007547034</CdtrRef></CdtrRefInf></Strd></RmtInf>"
        "<RltdPties><Dbtr><Nm>Jan</Nm></Dbtr><DbtrAcct><Id><BBAN>77</BBAN></Id></DbtrAcct></RltdPties></TxDtls>"
    )
    (statement,) = read(a_file(balances, an_entry(inner=old), message="BkToCstmrStmtV01"))
    entry = statement.entries[0]
    assert statement.opening is not None
    assert entry.references.creditor_ref == "RF18539007547034"
    assert (entry.counterparty.name, entry.counterparty.account) == ("Jan", "77")


@pytest.mark.parametrize(
    ("message", "owner", "kind"),
    [("BkToCstmrAcctRpt", "Rpt", "report"), ("BkToCstmrDbtCdtNtfctn", "Ntfctn", "notification")],
)
def test_reports_and_notifications_say_that_they_are_not_final(message: str, owner: str, kind: str) -> None:
    (statement,) = read(a_file(an_entry(), message=message, owner=owner))
    assert statement.kind == kind


def test_entries_in_a_banks_own_extension_are_not_entries() -> None:
    inner = f"<SplmtryData><Envlp><BkToCstmrStmt><Stmt>{an_entry('999')}</Stmt></BkToCstmrStmt></Envlp></SplmtryData>"
    (statement,) = read(a_file(an_entry(inner=f"<X>{an_entry('888')}</X>"), inner))
    assert [entry.amount for entry in statement.entries] == [Decimal("29.90")]


def test_a_comment_inside_an_amount_does_not_cut_it() -> None:
    assert read_entry(amount="1<!-- -->2<![CDATA[3]]>.50").amount == Decimal("123.50")


def test_an_envelope_around_the_document_is_no_obstacle() -> None:
    content = b"<Envelope><AppHdr/>" + a_file(an_entry()) + b"</Envelope>"
    assert len(read(content)) == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (a_file(an_entry(), account=""), "missing_field"),
        (a_file(an_entry().replace(' Ccy="EUR"', "")), "missing_field"),
        (a_file(an_entry().replace("<CdtDbtInd>CRDT</CdtDbtInd>", "")), "missing_field"),
        (a_file(an_entry(dates="")).replace(b"<CreDtTm>2026-11-26T01:00:00Z</CreDtTm>", b""), "missing_field"),
        (a_file(a_balance("OPBD", "1").replace("<Dt><Dt>2026-11-24</Dt></Dt>", "")), "missing_field"),
        (b"<Document><BkToCstmrStmt><GrpHdr/></BkToCstmrStmt></Document>", "missing_field"),
        (a_file(an_entry(sign="CRDT</CdtDbtInd><CdtDbtInd>DBIT")), "malformed"),
        (a_file(an_entry(amount='1</Amt><Amt Ccy="EUR">2')), "malformed"),
        (a_file(an_entry(sign="CR")), "bad_value"),
        (a_file(an_entry(status="<Sts>MAYBE</Sts>")), "bad_value"),
        (a_file(an_entry(status="")), "bad_value"),
        (a_file(an_entry().replace("EUR", "EURO")), "bad_value"),
        (a_file(an_entry(amount="1<X/>2")), "missing_field"),
        (a_file(an_entry(amount="29.905")), "bad_amount"),
    ],
)
def test_a_file_that_leaves_a_doubt_about_money_is_refused(content: bytes, code: str) -> None:
    assert refusal(content).code == code


def test_a_file_is_refused_with_the_place_of_its_fault() -> None:
    error = refusal(a_file(an_entry(), "\n", an_entry(amount="NaN")))
    assert (error.code, error.position) == ("bad_amount", "entry 2, line 2")


@pytest.mark.parametrize(
    ("head", "sure"),
    [
        (a_file(), 100),
        (b"\xef\xbb\xbf" + a_file(), 100),
        (a_file().decode().encode("utf-16"), 100),
        (b'<n:Document xmlns:n="x"><n:BkToCstmrStmtV01 >', 100),
        (b"<Document><CstmrCdtTrfInitn>", 0),
        (b"text about <BkToCstmrStmt>", 0),
        (b"\x00\xff\xfe", 0),
        (b"", 0),
    ],
)
def test_sniffing_is_sure_or_silent(head: bytes, sure: int) -> None:
    assert Camt().sniff(head, "statement.txt") == sure
