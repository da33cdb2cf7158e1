"""What payments does: one verb a module."""
