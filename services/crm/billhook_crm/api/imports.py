"""Imports of customer files: upload, map, preview, confirm, result."""

from marshmallow import Schema, fields

from billhook_common.imports import import_blueprint
from billhook_crm.actions.import_customers import CUSTOMERS


class CustomerTotalsSchema(Schema):
    """``nameless`` rows have nothing by which they would be known if the file came again."""

    nameless = fields.Integer()


blueprint = import_blueprint(
    CUSTOMERS, right="crm:import", description="Customers from CSV and Excel files", totals=CustomerTotalsSchema
)
