"""Frozen values and their algebra; nothing here does I/O."""
