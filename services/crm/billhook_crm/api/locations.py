"""Locations: where customers are served."""

from billhook_crm.api.groups import group_blueprint
from billhook_crm.models import Location

blueprint = group_blueprint(Location, "Where customers are served")
