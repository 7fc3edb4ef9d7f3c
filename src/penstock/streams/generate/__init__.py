"""How streams are made: builds to a release, releases to a stream, and the documents in which both are kept.

The stages are those of coreos-assembler's ``generate-release-meta`` and ``plume cosa2stream`` and of the Fedora CoreOS stream generator, as
pure functions; :mod:`~penstock.streams.generate.sources` reads what they need, :mod:`~penstock.streams.generate.base_image` finds the
build that a node image stands on.
"""
