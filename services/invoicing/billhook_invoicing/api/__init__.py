"""HTTP resources of invoicing: one file each."""
