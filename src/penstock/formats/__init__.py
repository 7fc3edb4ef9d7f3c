"""Bytes to model and back; no I/O but a given file object."""
