"""The report in the forms in which people and programs take it; every module here is pure."""
