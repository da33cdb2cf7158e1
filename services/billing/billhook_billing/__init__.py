"""The ledger, plans, subscriptions and the billing run."""
