"""The private RabbitMQ node keeps confirmed messages over SIGKILL and stays on loopback."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pika
import psutil
import pytest

from billhook_common.local.processes import ProcessId
from billhook_common.local.rabbitmq import QUEUE_SETTLE_SECONDS, LocalRabbitMQ, RabbitMQFailed

pytestmark = pytest.mark.broker


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRabbitMQ]:
    with LocalRabbitMQ(tmp_path_factory.mktemp("rabbitmq")) as instance:
        yield instance


def test_confirmed_messages_survive_sigkill(node: LocalRabbitMQ) -> None:
    with pika.BlockingConnection(pika.URLParameters(node.url)) as connection:
        channel = connection.channel()
        channel.queue_declare("kept", durable=True, arguments={"x-queue-type": "quorum"})
        time.sleep(QUEUE_SETTLE_SECONDS)
        channel.confirm_delivery()
        for number in range(20):
            channel.basic_publish("", "kept", str(number).encode(), pika.BasicProperties(delivery_mode=2))
        port, killed = node.port, node.pid
        node.kill()
        with pytest.raises(pika.exceptions.AMQPError):
            connection.process_data_events(time_limit=5)
    node.start()
    assert node.port == port
    assert node.pid != killed
    with pika.BlockingConnection(pika.URLParameters(node.url)) as connection:
        channel = connection.channel()
        bodies = [channel.basic_get("kept", auto_ack=True)[2] for _ in range(20)]
    assert sorted(bodies) == sorted(str(number).encode() for number in range(20))


def test_rabbitmqctl_reaches_this_node(node: LocalRabbitMQ) -> None:
    assert node.ctl("eval", "node().").strip().strip("'") == node.node
    with pytest.raises(RabbitMQFailed, match="no_such_queue"):
        node.ctl("delete_queue", "no_such_queue")


def test_it_listens_on_loopback_only(node: LocalRabbitMQ) -> None:
    assert node.pid is not None
    listening = [
        entry.laddr.ip for entry in psutil.Process(node.pid).net_connections("tcp") if entry.status == "LISTEN"
    ]
    assert listening
    assert set(listening) <= {"127.0.0.1", "::1"}


def test_its_log_for_queues_is_bounded(node: LocalRabbitMQ) -> None:
    assert node.ctl("eval", "application:get_env(ra, wal_max_size_bytes).").strip() == "{ok,67108864}"


def test_a_port_taken_before_the_start_is_replaced(tmp_path: Path) -> None:
    node = LocalRabbitMQ(tmp_path / "node")
    with socket.socket() as rival:
        rival.bind(("127.0.0.1", node.port))
        rival.listen()
        with node:
            assert node.port != rival.getsockname()[1]
            pika.BlockingConnection(pika.URLParameters(node.url)).close()


def test_a_node_that_cannot_start_says_why(tmp_path: Path) -> None:
    node = LocalRabbitMQ(tmp_path)
    (tmp_path / "mnesia").write_text("a file where the data should be")
    with pytest.raises(RabbitMQFailed, match=r"(?s)ended while starting:.*failed_to_create_feature_flags"):
        node.start()


def test_stopping_leaves_no_process(tmp_path: Path) -> None:
    node = LocalRabbitMQ(tmp_path / "node")
    node.start()
    assert node.pid is not None
    family = [ProcessId.of(child.pid) for child in psutil.Process(os.getpid()).children(recursive=True)]
    ours = [item for item in family if item is not None and str(node.folder) in _environment(item.pid)]
    assert len(ours) > 1, "the node and its port mapper"
    node.stop()
    assert not [item for item in ours if item.is_running()]


def _environment(pid: int) -> str:
    try:
        return psutil.Process(pid).environ().get("HOME", "")
    except psutil.Error:
        return ""
