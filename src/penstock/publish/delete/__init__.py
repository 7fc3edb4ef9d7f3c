"""Taking images away again: planned, journalled and resumed as pushes are.

pubtools-marketplacesvm: ``tasks/delete``; cloudimg: ``aws.py``, ``ms_azure.py`` (``delete``).
"""
