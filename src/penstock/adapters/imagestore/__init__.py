"""Stores of ISOs: a folder of the local file system, which several processes and machines may share."""
