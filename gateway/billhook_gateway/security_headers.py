"""Headers on every answer, pages and API alike (ui.md section 1, ASVS V3)."""

from flask import Flask, Response

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HSTS = "max-age=31536000; includeSubDomains"


def install_security_headers(app: Flask, https: bool) -> None:
    """No inline script, no frame, no guessing of types, no referrer to others; https for a year where it is on."""
    headers = {
        "Content-Security-Policy": CONTENT_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    if https:
        headers["Strict-Transport-Security"] = HSTS

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.update(headers)
        response.headers.setdefault("Cache-Control", "no-store")
        return response
