"""What invoicing does: one verb a module."""
