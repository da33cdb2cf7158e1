"""The rules of things in stock, without I/O."""
