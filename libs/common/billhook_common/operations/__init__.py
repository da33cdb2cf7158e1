"""What operators see and do: events that could not be applied, how much is under way, what the broker gave up on."""
