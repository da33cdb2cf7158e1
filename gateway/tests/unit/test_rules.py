"""Rights, waits, sessions, keys, addresses: the pure rules."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook_common.auth import Identity
from billhook_common.config import ConfigError
from billhook_gateway.config import GatewayConfig
from billhook_gateway.domain.api_keys import IN_TEXT, new_key, parse_key
from billhook_gateway.domain.bank import is_iban
from billhook_gateway.domain.csrf import fits, masked, new_secret
from billhook_gateway.domain.logins import normal_login, printable
from billhook_gateway.domain.roles import GRANTABLE, PERMISSIONS, ROLES, RightsExceeded, check_within
from billhook_gateway.domain.sessions import is_live, new_token, token_hash
from billhook_gateway.domain.waiting import (
    ADDRESS_TRIES,
    ADDRESS_WINDOW,
    Window,
    address_key,
    address_wait,
    slid,
    wait_after,
)
from billhook_gateway.door import own_path

pytestmark = pytest.mark.unit
NOW = dt.datetime(2026, 11, 24, 9, tzinfo=dt.UTC)


def test_roles_hold_only_rights_that_exist() -> None:
    for role in ROLES.values():
        assert role.permissions <= GRANTABLE, role.code


@pytest.mark.parametrize(
    ("held", "wanted", "within"),
    [
        ({"*"}, {"*", "billing:*", "crm:read"}, True),
        ({"billing:*"}, {"billing:run", "billing:*"}, True),
        ({"billing:*"}, {"crm:read"}, False),
        ({"billing:read"}, {"billing:*"}, False),
        ({"gateway:admin"}, {"*"}, False),
        (set(PERMISSIONS), {"*"}, False),
    ],
)
def test_nobody_gives_away_what_they_do_not_hold(held: set[str], wanted: set[str], within: bool) -> None:
    allows = Identity("user:x", "X", frozenset(held)).allows
    if within:
        check_within(allows, wanted)
    else:
        with pytest.raises(RightsExceeded):
            check_within(allows, wanted)


def test_waits_double_from_the_fifth_failure_up_to_a_quarter_of_an_hour() -> None:
    seconds = [wait_after(failures).total_seconds() for failures in (0, 1, 4, 5, 6, 7, 13, 14, 1_000_000)]
    assert seconds == [0, 0, 0, 2, 4, 8, 512, 900, 900]


@given(st.integers(0, 10**9))
def test_a_wait_never_gets_shorter_with_failures(failures: int) -> None:
    assert wait_after(failures) <= wait_after(failures + 1) <= dt.timedelta(minutes=15)


@pytest.mark.parametrize(
    ("age", "idle", "live"),
    [
        (dt.timedelta(0), dt.timedelta(0), True),
        (dt.timedelta(hours=11, minutes=59), dt.timedelta(minutes=29), True),
        (dt.timedelta(minutes=30), dt.timedelta(minutes=30), False),
        (dt.timedelta(hours=12), dt.timedelta(seconds=1), False),
    ],
)
def test_a_session_ends_after_half_an_hour_of_nothing_or_half_a_day(
    age: dt.timedelta, idle: dt.timedelta, live: bool
) -> None:
    assert is_live(NOW, NOW - age, NOW - idle, idle=dt.timedelta(minutes=30)) is live


def test_tokens_have_256_bits_and_are_kept_as_a_hash() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {43}
    assert {len(token_hash(token)) for token in tokens} == {32}


def test_a_key_is_taken_apart_again() -> None:
    key = new_key()
    parsed = parse_key(key.text)
    assert parsed == key
    assert IN_TEXT.search(f"https://x/?api_key={key.text}&b=1")


@pytest.mark.parametrize(
    "text", ["", "bh_", "bh_abc_def", "bh_ABCDEFGHIJ_" + "x" * 43, "bh_abcdefghij_" + "x" * 44, "🐎"]
)
def test_what_is_no_key_is_none(text: str) -> None:
    assert parse_key(text) is None


@given(st.text(max_size=200))
def test_any_text_can_be_asked_to_be_a_key(text: str) -> None:
    assert parse_key(text) is None


def test_a_form_token_fits_its_own_session_under_every_mask() -> None:
    secret, other = new_secret(), new_secret()
    tokens = {masked(secret) for _ in range(50)}
    assert len(tokens) == 50
    assert all(fits(token, secret) and not fits(token, other) for token in tokens)


@given(st.text(max_size=120))
def test_any_text_can_be_asked_to_be_a_form_token(text: str) -> None:
    assert not fits(text, "A" * 43)


@pytest.mark.parametrize("iban", ["CZ6508000000192000145399", "DE89370400440532013000", "GB82WEST12345698765432"])
def test_an_iban_is_known_by_its_check_digits(iban: str) -> None:
    assert is_iban(iban)
    assert not is_iban(iban[:-1] + ("1" if iban[-1] != "1" else "2"))
    assert not is_iban(iban.lower())


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ("/customers?state=active", "/customers?state=active"),
        ("/", "/"),
        ("", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
        ("/a\0", "/"),
        ("customers", "/"),
    ],
)
def test_after_signing_in_one_stays_in_the_house(wanted: str, path: str) -> None:
    assert own_path(wanted) == path


@pytest.mark.parametrize(("typed", "login"), [(" Anna@Example.ORG ", "anna@example.org"), ("ＡＤＭＩＮ", "admin")])
def test_a_login_is_one_however_it_is_typed(typed: str, login: str) -> None:
    assert normal_login(typed) == login


def test_lines_hold_nothing_unseen() -> None:
    assert printable("Žižka & sons 🐎")
    assert not any(printable(text) for text in ("a\0", "a\nb", "\x1b[31m", "\ud800", "a\u2028b"))


def test_a_short_bootstrap_key_is_refused_in_the_open_and_taken_for_trials() -> None:
    short = {"BILLHOOK_BOOTSTRAP_KEY": "changeme"}
    with pytest.raises(ConfigError, match="BILLHOOK_BOOTSTRAP_KEY"):
        GatewayConfig.from_environ("gateway", short | {"BILLHOOK_HTTPS": "true"})
    assert GatewayConfig.from_environ("gateway", short).bootstrap_key == "changeme"


def test_settings_come_from_the_environment_and_secrets_stay_out_of_their_text() -> None:
    environ = {
        "BILLHOOK_BOOTSTRAP_KEY": "sixteen-characters-secret",
        "BILLHOOK_ADMIN_PASSWORD": "first-password",
        "BILLHOOK_HTTPS": "true",
        "BILLHOOK_TRUSTED_HOSTS": "billing.example.org, .example.net",
        "BILLHOOK_CRM_URL": "http://crm:8000",
    }
    config = GatewayConfig.from_environ("gateway", environ)
    assert config.https
    assert config.hosts == ["billing.example.org", ".example.net"]
    assert config.service_urls == {"crm": "http://crm:8000"}
    assert "secret" not in repr(config)
    assert "first-password" not in repr(config)


@given(tries=st.lists(st.integers(0, 900), min_size=1, max_size=200))
def test_an_address_has_no_more_than_its_tries_in_any_window_by_estimate(tries: list[int]) -> None:
    start = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
    window, taken = Window(start, 0, 0), []
    for second in sorted(tries):
        now = start + dt.timedelta(seconds=second)
        window = slid(window, now)
        if address_wait(window, now) > dt.timedelta(0):
            continue
        window = Window(window.began_at, window.tries + 1, window.before)
        taken.append(now)
    for first in taken:
        inside = [at for at in taken if first <= at < first + ADDRESS_WINDOW]
        assert len(inside) <= 2 * ADDRESS_TRIES  # the estimate spreads the window before evenly
    assert len(taken) >= min(len(tries), ADDRESS_TRIES)


@given(now=st.integers(0, 599), tries=st.integers(0, 90), before=st.integers(0, 90))
def test_after_the_wait_one_may_try_and_not_before(now: int, tries: int, before: int) -> None:
    start = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
    at = start + dt.timedelta(seconds=now)
    window = Window(start, tries, before)
    wait = address_wait(window, at)
    assert dt.timedelta(0) <= wait <= 2 * ADDRESS_WINDOW
    later = at + wait + dt.timedelta(milliseconds=1)
    assert address_wait(slid(window, later), later) == dt.timedelta(0)
    if wait > dt.timedelta(seconds=1):
        sooner = at + wait - dt.timedelta(seconds=1)
        assert address_wait(slid(window, sooner), sooner) > dt.timedelta(0)


@pytest.mark.parametrize(
    ("ip", "key"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", "unknown"),
        ("evil, 1.2.3.4", "unknown"),
    ],
)
def test_an_address_is_counted_under_its_household(ip: str, key: str) -> None:
    assert address_key(ip) == key


def test_settings_of_the_second_factor_are_checked_at_the_start() -> None:
    for environ in (
        {"BILLHOOK_TWO_FACTOR_ROLES": "boss", "BILLHOOK_GATEWAY_SEALING_KEY": "x"},
        {"BILLHOOK_TWO_FACTOR_ROLES": "finance"},
        {"BILLHOOK_PUBLIC_URL": "javascript:alert(1)"},
        {"BILLHOOK_PUBLIC_URL": "https://billing.example.org/path"},
        {"BILLHOOK_PUBLIC_URL": "https://evil@billing.example.org"},
    ):
        with pytest.raises(ConfigError):
            GatewayConfig.from_environ("gateway", environ)
