"""The gateway's key pair."""

import json
from pathlib import Path

import pytest

from billhook_common.auth import Identity, KeySet, verify_token
from billhook_common.config import ConfigError
from billhook_common.errors import Unauthenticated
from billhook_gateway.signing import create_signing_key, load_signing_key

pytestmark = pytest.mark.unit
ANNA = Identity("user:anna", "Anna", frozenset({"crm:read"}))


def test_what_the_key_signs_services_believe(tmp_path: Path) -> None:
    private, public = tmp_path / "private.json", tmp_path / "public.json"
    create_signing_key(private, public)
    token = load_signing_key(private).sign(ANNA, "crm")
    assert verify_token(token, "crm", KeySet(str(public))) == ANNA
    with pytest.raises(Unauthenticated):
        verify_token(token, "billing", KeySet(str(public)))


def test_only_the_owner_reads_the_private_key_and_the_public_file_holds_none(tmp_path: Path) -> None:
    private, public = tmp_path / "private.json", tmp_path / "public.json"
    create_signing_key(private, public)
    assert private.stat().st_mode & 0o777 == 0o600
    assert "d" in json.loads(private.read_text())
    assert all("d" not in key for key in json.loads(public.read_text())["keys"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["private.json", "public.json"]


def test_a_new_key_leaves_the_last_one_good_and_drops_older_ones(tmp_path: Path) -> None:
    private, public = tmp_path / "private.json", tmp_path / "public.json"
    keys = [create_signing_key(private, public) for _ in range(3)]
    known = KeySet(str(public))
    for key in keys[1:]:
        assert verify_token(key.sign(ANNA, "crm"), "crm", known) == ANNA
    with pytest.raises(Unauthenticated):
        verify_token(keys[0].sign(ANNA, "crm"), "crm", known)


@pytest.mark.parametrize("content", [None, "", "{}", "[]", "not json", '{"kty": "OKP", "crv": "Ed25519", "x": "AA"}'])
def test_a_file_without_a_key_says_which_setting_is_wrong(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "private.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match="BILLHOOK_GATEWAY_SIGNING_KEY"):
        load_signing_key(path)


def test_a_public_key_signs_nothing(tmp_path: Path) -> None:
    private, public = tmp_path / "private.json", tmp_path / "public.json"
    create_signing_key(private, public)
    private.write_text(json.dumps(json.loads(public.read_text())["keys"][0]))
    with pytest.raises(ConfigError, match="no private"):
        load_signing_key(private)
