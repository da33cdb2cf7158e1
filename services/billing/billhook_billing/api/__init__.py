"""HTTP resources of billing: one file each."""
