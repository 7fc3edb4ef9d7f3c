"""Kubernetes API servers: how they are reached and what is read from them."""
