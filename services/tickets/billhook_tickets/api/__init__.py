"""HTTP resources of tickets: one file each."""
