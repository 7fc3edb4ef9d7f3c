"""Thin shells that serve: the image service."""
