"""HTTP resources of crm: one file each."""
