"""Free TCP ports on loopback for servers of our own."""

import random
import socket

# Below the kernel's range for outgoing connections: a client that tries again and again while a server
# restarts could otherwise be given the server's own port, and connect to itself.
_FIRST, _LAST = 20_000, 32_000
_TRIES = 100


def free_port() -> int:
    """A port that nothing listens on now and that stays the same over restarts of what is put there."""
    chosen = random.SystemRandom()
    for _ in range(_TRIES):
        port = chosen.randint(_FIRST, _LAST)
        if is_free(port):
            return port
    raise OSError(f"no free TCP port between {_FIRST} and {_LAST} in {_TRIES} tries")


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
