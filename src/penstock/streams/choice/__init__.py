"""Which boot image an installer uses here: the rules of ``openshift-install`` (``pkg/asset/rhcos/image.go``), with its messages.

``request`` is the question, ``answer`` the answer with the rule that decided; ``choosing`` finds the rules of the platform: ``azure``,
``clouds`` (images that stand in a cloud), ``downloads`` (files).  ``wishes`` reads the question from an install-config.  What upstream has
no rule for yet (marketplaces of AWS and Google Cloud, paid plans by name) follows the same shape.
"""
