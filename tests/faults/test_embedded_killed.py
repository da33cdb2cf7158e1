"""The embedded suite with each of its processes killed under load: what was acknowledged is there, once (F23)."""

import random

import pytest

from .installation import Installation
from .invariants import check_invariants
from .load import Load, an_operator, confirm_run

pytestmark = pytest.mark.fault

SEED = 23


@pytest.mark.parametrize("rounds", [pytest.param(2, id="few"), pytest.param(12, marks=pytest.mark.slow, id="many")])
def test_no_kill_loses_or_doubles_an_acknowledged_command(installation: Installation, rounds: int) -> None:
    chance = random.Random(SEED)
    customers = an_operator(installation.api)
    kills = [
        lambda: installation.kill_web(chance),
        installation.kill_worker,
        installation.kill_postgres,
    ]
    with Load(installation.api, "embedded", SEED, customers) as load:
        load.progress()
        # Its charges and their invoices are on their way when the first process dies.
        confirm_run(installation.api)
        for _ in range(rounds):
            for kill in chance.sample(kills, len(kills)):
                kill()
                load.progress()
        for kill in (installation.kill_everything, installation.kill_supervisor):
            kill()
            load.progress()
    check_invariants(installation)
    assert installation.api.unanswered > 0
