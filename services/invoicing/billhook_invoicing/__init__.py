"""Invoices, number series and PDFs."""
