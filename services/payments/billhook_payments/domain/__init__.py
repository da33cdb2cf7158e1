"""The rules of payments, pure: no database, no network, no clock."""
