"""The operator's own company: what stands on every invoice."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

from billhook_common.auth import requires
from billhook_gateway.door import services
from billhook_gateway.ui.conflicts import seen
from billhook_gateway.ui.forms import flat, nested
from billhook_gateway.ui.views.asking import attempt, fields, on_to, page, ticked
from billhook_gateway.ui.views.frame import forget_operator

blueprint = Blueprint("company_pages", __name__)


@blueprint.route("/company", methods=["GET"])
@requires("gateway:admin")
def edit_company() -> str:
    """The company's form."""
    company = services().get("gateway", "/company")
    return _form(company, flat(company))


@blueprint.route("/company", methods=["POST"])
@requires("gateway:admin")
def change_company() -> Response:
    """Save the company; documents issued from now on name it so."""
    typed: dict[str, Any] = fields() | {"vat_payer": ticked("vat_payer")}
    body = nested(fields()) | {"vat_payer": typed["vat_payer"]}
    return attempt(
        lambda: services().put("gateway", "/company", body, seen=seen()),
        lambda errors: _form(services().get("gateway", "/company"), typed, errors),
        _saved,
    )


def _saved(_: object) -> Response:
    forget_operator()
    return on_to("/company", "Saved; invoices name the company so from now on")


def _form(company: Mapping[str, Any], values: Mapping[str, Any], errors: Mapping[str, list[str]] | None = None) -> str:
    return page("company.html", company=company, values=values, errors=errors or {})
