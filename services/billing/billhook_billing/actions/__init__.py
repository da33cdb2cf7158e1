"""What billing does: one verb a module."""
