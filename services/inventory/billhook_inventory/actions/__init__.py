"""What inventory does: one verb a module."""
