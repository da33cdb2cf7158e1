"""The whole suite on one machine: up, demo, test, check."""
