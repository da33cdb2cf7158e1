"""Partners: brands and resellers that customers belong to."""

from billhook_crm.api.groups import group_blueprint
from billhook_crm.models import Partner

blueprint = group_blueprint(Partner, "Brands and resellers that customers belong to")
