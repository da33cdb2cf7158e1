"""The rules of customers, without I/O."""
