"""What crm does: one verb a module."""
