"""What the gateway does: one verb a module."""
