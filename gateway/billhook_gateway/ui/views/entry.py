"""Signing in, and what is shown when something cannot be."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from billhook_common.auth import public, signed_in
from billhook_gateway.door import SIGN_IN, SIGN_IN_CODE, TWO_FACTOR, door, own_path, services
from billhook_gateway.recovery import FORGOT_PASSWORD, RESET_PASSWORD
from billhook_gateway.ui.forms import errors_by_field
from billhook_gateway.ui.views.asking import page
from billhook_gateway.ui.views.frame import note_outages
from billhook_gateway.ui.views.own_account import account_page
from billhook_gateway.ui.views.recovery import forgotten_page, reset_page
from billhook_gateway.ui.views.two_factor import code_page, second_factor_page

blueprint = Blueprint("entry_pages", __name__)
HITS = 5
PASSWORD = "/password"  # noqa: S105  (a path)
FORMS = {
    SIGN_IN_CODE: code_page,
    FORGOT_PASSWORD: forgotten_page,
    TWO_FACTOR: second_factor_page,
    f"{TWO_FACTOR}/start": second_factor_page,
    f"{TWO_FACTOR}/remove": second_factor_page,
    f"{TWO_FACTOR}/codes": second_factor_page,
}
"""Pages whose form is shown again with what was wrong."""


@blueprint.route(SIGN_IN, methods=["GET"])
@public
def sign_in() -> str:
    """Where everybody begins."""
    values = {"login": "", "next": own_path(request.args.get("next", "/"))}
    return signin_page(values, {})


@blueprint.route("/palette", methods=["GET"])
@signed_in
def palette() -> str:
    """What the command palette finds for ``q``."""
    q = request.args.get("q", "").strip()
    answers: Mapping[str, Any] = {"customers": None, "invoices": None}
    if q:
        query = {"q": q, "limit": HITS}
        answers = services().gather(customers=("crm", "/customers", query), invoices=("invoicing", "/invoices", query))
    return render_template("palette_results.html", **note_outages(answers))


def signin_page(values: Mapping[str, str], errors: Mapping[str, list[str]]) -> str:
    """The form, with the way back in for who forgot the password."""
    return page("signin.html", values=values, errors=errors, resets=bool(door().settings.public_url))


def error_page(problem: Mapping[str, Any]) -> ResponseReturnValue:
    """The page of a problem; a refused sign-in or new password shows its form again."""
    if request.path == SIGN_IN:
        values = {"login": request.form.get("login", ""), "next": own_path(request.form.get("next", "/"))}
        return signin_page(values, errors_by_field(problem))
    again = FORMS.get(request.path) if request.method == "POST" and problem["status"] < 500 else None
    if again is not None and not (problem["status"] == 403 or problem["type"].endswith("/too-large")):
        return again(errors_by_field(problem))
    if request.path == RESET_PASSWORD and request.method == "POST" and problem["status"] < 500:
        return reset_page(request.form.get("token", ""), errors_by_field(problem), over=problem["status"] == 410)
    if request.path == PASSWORD and request.method == "POST" and problem["status"] < 500:
        wrong = {"current_password": ["That is not your present password."]}
        return account_page(wrong if problem["status"] == 401 else errors_by_field(problem))
    missing = problem.get("detail", "").removeprefix("The right ").removesuffix(" is missing.")
    context = {
        "status": problem["status"],
        "detail": problem.get("detail", ""),
        "missing": missing if problem["status"] == 403 and ":" in missing else "",
        "service": problem.get("service", ""),
        "request_id": problem.get("request_id", ""),
    }
    return Response(render_template("error.html", **context), status=problem["status"])
