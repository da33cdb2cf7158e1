"""Things and where they are."""
