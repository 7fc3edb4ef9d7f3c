"""Which images of a stream lag behind the build that it names: what was observed, what that weighs, and whom it concerns.

:mod:`~penstock.streams.drift.holdings` reads what an image holds and compares it; :mod:`~penstock.streams.drift.observing` gives every
place of a document exactly one status; :mod:`~penstock.streams.drift.thresholds` says which of them fail the check.  The sinks render the
report, and know nothing of files or networks.
"""
