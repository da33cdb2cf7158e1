"""The rules of billing: no I/O, no clock, no database."""
