"""``./billhook contracts``: the gate between a change of an event and those who read it."""

import sys

from packaging.version import InvalidVersion

from billhook_common.contracts import compatibility


def check() -> int:
    """Say what of the last release does not hold any more; exit status 1 when something does not."""
    last = compatibility.last_release()
    if last is None:
        print("no release yet: nothing to hold to")
        return 0
    version, released = last
    present = compatibility.shapes()
    found = compatibility.breaks(released, present)
    print("\n".join([*found, f"{len(present)} event types, {len(found)} breaks of release {version}"]))
    return 1 if found else 0


def release(version: str) -> int:
    """Keep today's shapes as those of ``version``."""
    try:
        print(f"wrote {compatibility.release(version)}")
    except (compatibility.AlreadyReleased, compatibility.Breaks, InvalidVersion) as error:
        print(f"billhook: {error}", file=sys.stderr)
        return 1
    return 0
