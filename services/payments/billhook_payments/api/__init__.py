"""HTTP resources of payments: one file each."""
