"""Penstock carries OS image streams from RPMs to running nodes."""

__version__ = "0.1.0"
