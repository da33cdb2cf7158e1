"""HTTP resources of inventory: one file each."""
