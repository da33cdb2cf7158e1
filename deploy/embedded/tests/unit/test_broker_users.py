"""``./billhook broker-users``: a file for RabbitMQ and one for each service, readable by nobody else."""

import json
from pathlib import Path

import pytest

from billhook import suite
from billhook.cli import main

pytestmark = pytest.mark.unit


def test_each_service_gets_a_url_of_its_own_and_rabbitmq_only_hashes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "broker"
    assert main(["broker-users", str(folder), "--broker", "amqps://broker.example.org:5671/%2F"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert {Path(line).name for line in said} == {
        "definitions.json", "operator.env", *(f"{name}.env" for name in suite.installed()),
    }  # fmt: skip
    urls = {path.stem: path.read_text().strip() for path in folder.glob("*.env")}
    for name in suite.installed():
        assert urls[name].startswith(f"BILLHOOK_BROKER_URL=amqps://billhook-{name}:")
        assert urls[name].endswith("@broker.example.org:5671/%2F")
    assert {path.stat().st_mode & 0o077 for path in folder.iterdir()} == {0}
    definitions = (folder / "definitions.json").read_text()
    passwords = {url.split(":")[2].split("@")[0] for url in urls.values()}
    assert len(passwords) == len(urls)
    assert not any(password in definitions for password in passwords)
    assert {queue["name"] for queue in json.loads(definitions)["queues"]} >= {
        "billhook.billing",
        "billhook.billing.dead",
    }


def test_passwords_in_use_are_not_replaced_and_no_url_is_refused(tmp_path: Path) -> None:
    assert main(["broker-users", str(tmp_path), "--broker", "http://broker/"]) == 1
    assert main(["broker-users", str(tmp_path), "--broker", "amqp://broker/%2F"]) == 0
    before = (tmp_path / "billing.env").read_text()
    assert main(["broker-users", str(tmp_path), "--broker", "amqp://broker/%2F"]) == 1
    assert (tmp_path / "billing.env").read_text() == before
