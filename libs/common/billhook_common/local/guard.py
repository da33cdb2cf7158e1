"""Ends the servers of a test run when the run itself is killed and can no longer do it."""

import signal
import subprocess

# Waits for the end of its input, which the kernel closes with our process, however that ends.
_SCRIPT = 'trap "" INT TERM HUP; cat >/dev/null; signal=$1; shift; kill "-$signal" "$@"'


class Guard:
    """Sends ``number`` to the processes when we are gone; ``release`` calls it off."""

    def __init__(self, pids: list[int], number: signal.Signals) -> None:
        command = ["/bin/sh", "-c", _SCRIPT, "sh", str(number.value), *map(str, pids)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def release(self) -> None:
        """Call it off."""
        self._process.kill()
        self._process.communicate()
