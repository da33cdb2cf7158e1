"""The delivery log: which letters went, which wait, which failed and why."""

from flask import Blueprint, Response

from billhook_common.auth import requires
from billhook_gateway.door import services
from billhook_gateway.ui.views.asking import asked, on_to, page

blueprint = Blueprint("mail_pages", __name__)


@blueprint.route("/mail", methods=["GET"])
@requires("gateway:mail")
def list_letters() -> str:
    """Newest first."""
    return page("access/mail.html", letters=services().get("gateway", "/mail", **asked("state")))


@blueprint.route("/mail/<uuid:letter_id>/retry", methods=["POST"])
@requires("gateway:mail")
def retry(letter_id: object) -> Response:
    """Send a failed letter again."""
    services().post("gateway", f"/mail/{letter_id}/retry")
    return on_to("/mail", "It is sent again")
