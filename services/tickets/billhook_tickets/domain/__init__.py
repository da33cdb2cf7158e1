"""The rules of tickets, without I/O."""
