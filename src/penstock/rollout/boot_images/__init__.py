"""What the machine-config operator does to MachineSets when the boot images of a release change, as pure rules.

openshift/machine-config-operator, ``pkg/controller/bootimage`` and ``pkg/operator/sync.go``.  ``cluster`` says what of a cluster matters,
``selection`` who is managed at all, ``decision`` what comes of each, by way of the platforms ``aws``, ``azure``, ``gcp`` and ``vsphere``;
``skew`` whether the cluster may still be upgraded afterwards, and ``preview`` puts it all together.

The rules predict the operator as it is, its surprises included; where one of them looks like a trap the decision carries a note.
"""
