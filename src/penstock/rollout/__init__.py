"""Rollout: which OS the nodes of a cluster run and boot from.  Its rules are pure; what is asked of a cluster comes in as values."""
