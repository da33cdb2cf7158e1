"""Templates to text, in a process of its own: a template that an operator wrote may loop for ever or eat all memory."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from billhook_common.mail.addresses import is_one_line

SECONDS_EACH = 2
"""CPU seconds for one letter; an honest one takes milliseconds."""
START_SECONDS = 3
LONGEST_SECONDS = 25.0
"""Below the 30 s after which PostgreSQL ends a transaction that idles."""
MEMORY_BYTES = 512 * 1024 * 1024
SUBJECT_CHARACTERS = 300

_CHILD = Path(__file__).with_name("sandbox.py")
_HEAD = "Subject: "


class RenderFailed(Exception):
    """The template cannot be filled: it is not there, asks for what it was not given, or takes too long."""


@dataclass(frozen=True, slots=True)
class Source:
    """A template: the subject's line, the text, and the HTML part if there is one."""

    subject: str
    text: str
    html: str | None


@dataclass(frozen=True, slots=True)
class Rendered:
    """What is sent."""

    subject: str
    text: str
    html: str | None


class _Answer(msgspec.Struct):
    subject: str = ""
    text: str = ""
    html: str | None = None
    error: str | None = None


def read_source(folder: Path, name: str) -> Source:
    """The template ``name`` in ``folder``: ``name.txt`` (first line ``Subject: …``) and perhaps ``name.html``.

    Raises RenderFailed.
    """
    if not name.replace("_", "").isalnum():
        raise RenderFailed(f"{name!r} is no name of a template")
    try:
        text = (folder / f"{name}.txt").read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise RenderFailed(f"there is no template {name}") from error
    head, _, body = text.partition("\n")
    if not head.startswith(_HEAD):
        raise RenderFailed(f"template {name} begins without a subject")
    page = folder / f"{name}.html"
    return Source(
        head.removeprefix(_HEAD), body.lstrip("\n"), page.read_text(encoding="utf-8") if page.exists() else None
    )


def render(items: Sequence[tuple[Source, Mapping[str, Any]]]) -> list[Rendered | RenderFailed]:
    """Fill templates, all in one child process; each fails for itself.

    Raises RenderFailed when one of several broke the child: take them one by one then.
    """
    body = msgspec.json.encode(
        [
            {"subject": one.subject, "text": one.text, "html": one.html, "context": dict(context)}
            for one, context in items
        ]
    )
    limits = [str(SECONDS_EACH), str(START_SECONDS + SECONDS_EACH * len(items)), str(MEMORY_BYTES)]
    try:
        child = subprocess.run(
            [sys.executable, "-I", str(_CHILD), *limits],
            input=body, capture_output=True, timeout=LONGEST_SECONDS, check=True, env={"LANG": "C.UTF-8"},
        )  # fmt: skip
        answers = msgspec.json.decode(child.stdout, type=list[_Answer])
    except (subprocess.SubprocessError, msgspec.DecodeError) as error:
        raise RenderFailed("the template took too long or too much memory") from error
    return [_checked(answer) for answer in answers]


def _checked(answer: _Answer) -> Rendered | RenderFailed:
    if answer.error is not None:
        return RenderFailed(answer.error)
    subject = answer.subject.strip()
    if not subject or not is_one_line(subject) or len(subject) > SUBJECT_CHARACTERS:
        return RenderFailed(f"the subject is one line of at most {SUBJECT_CHARACTERS} characters")
    return Rendered(subject, answer.text, answer.html)
