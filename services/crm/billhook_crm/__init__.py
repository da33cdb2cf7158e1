"""Customers, contacts and addresses."""
