"""All pages, put into the door."""

from billhook_gateway.door import Door
from billhook_gateway.ui.views import (
    access,
    bank,
    bank_accounts,
    bank_lines,
    company,
    customer,
    customer_billing,
    customer_import,
    customers,
    entry,
    home,
    inventory,
    invoices,
    mail,
    open_items,
    operations,
    own_account,
    payments,
    plans,
    recovery,
    reference,
    revenue,
    runs,
    settings,
    tickets,
    transactions,
    two_factor,
)
from billhook_gateway.ui.views.frame import install_frame

BLUEPRINTS = [
    module.blueprint
    for module in (
        access,
        bank,
        bank_accounts,
        bank_lines,
        company,
        customer,
        customer_billing,
        customer_import,
        customers,
        entry,
        home,
        inventory,
        invoices,
        mail,
        open_items,
        operations,
        own_account,
        payments,
        plans,
        recovery,
        reference,
        revenue,
        runs,
        settings,
        tickets,
        transactions,
        two_factor,
    )
]


def install_views(app: Door) -> None:
    """Give the door its pages."""
    install_frame(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.error_page = entry.error_page
    app.codes_page = two_factor.codes_page
