"""What tickets does: one verb a module."""
