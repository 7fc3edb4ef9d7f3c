"""HTTP as every adapter needs it: one careful exchange, pauses and retries, redirects that keep secrets where they belong."""
