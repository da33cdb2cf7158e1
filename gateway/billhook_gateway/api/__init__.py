"""HTTP resources of the gateway: one file each."""
