"""The community workflow: images of AWS under one's own accounts, known to RHSM, public where they are billed by the hour.

pubtools-marketplacesvm: ``tasks/community_push``; cloudimg: ``cloudimg/aws.py``.
"""
