"""Disks on their way into storage accounts of Azure; what the workflows of Azure share.

A workflow observes (:func:`~penstock.publish.azure.observing.observe_blobs`), plans (:func:`~penstock.publish.azure.planning.plan_blob`)
and lets :class:`~penstock.publish.azure.performing.BlobPerformer` do the steps whose actions are in
:mod:`penstock.publish.azure.actions`.
"""
