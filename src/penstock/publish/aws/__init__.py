"""Images in accounts of AWS: what communities and the marketplace have in common."""
