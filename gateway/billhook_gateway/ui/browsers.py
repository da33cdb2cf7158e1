"""What a person calls a browser, from the line that it introduces itself with."""

_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    *(("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows")),
    *(("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux")),
)
"""In the order in which they are asked: most browsers also claim to be others."""


def browser_name(user_agent: str) -> str:
    """``Firefox · Windows``; what is not known is shown as it introduces itself, at most 60 characters of it."""
    known = [next((name for mark, name in names if mark in user_agent), "") for names in (_BROWSERS, _SYSTEMS)]
    return " · ".join(filter(None, known)) or user_agent[:60]
