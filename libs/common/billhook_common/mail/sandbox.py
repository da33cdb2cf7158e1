"""The child that fills templates: reads JSON, writes JSON, may do nothing else, and dies when it takes too long.

Started by path, so that it imports nothing of ours. Arguments: seconds for each, seconds in all, bytes of memory.
"""

import json
import resource
import signal
import sys
from typing import Any

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

OUTPUT_CHARACTERS = 1_000_000


class TooLong(BaseException):
    """Its time is up; not an Exception, so that nothing in a template can catch it."""


def main() -> None:
    """Fill what stands on standard input."""
    each, total, memory = (int(argument) for argument in sys.argv[1:4])
    for limit, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, total), (resource.RLIMIT_FSIZE, 0)):
        resource.setrlimit(limit, (most, most))
    signal.signal(signal.SIGPROF, _stop)
    items = json.load(sys.stdin)
    json.dump([_filled(item, each) for item in items], sys.stdout)


def _filled(item: dict[str, Any], seconds: int) -> dict[str, Any]:
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        plain, pages = _environment(autoescape=False), _environment(autoescape=True)
        filled = {
            "subject": plain.from_string(item["subject"]).render(item["context"]),
            "text": plain.from_string(item["text"]).render(item["context"]),
            "html": pages.from_string(item["html"]).render(item["context"]) if item["html"] is not None else None,
        }
        if sum(len(value or "") for value in filled.values()) > OUTPUT_CHARACTERS:
            return {"error": f"longer than {OUTPUT_CHARACTERS:,} characters"}
        return filled
    except TooLong:
        return {"error": f"took more than {seconds} seconds"}
    except MemoryError:
        return {"error": "took too much memory"}
    except Exception as error:  # noqa: BLE001 - whatever a template does is its own failure
        return {"error": f"{type(error).__name__}: {error}"[:300]}
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _environment(*, autoescape: bool) -> ImmutableSandboxedEnvironment:
    """Without a loader: no template can include or extend another."""
    return ImmutableSandboxedEnvironment(
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _stop(number: int, frame: object) -> None:
    raise TooLong


if __name__ == "__main__":
    main()
