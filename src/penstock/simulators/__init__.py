"""Real servers on loopback that stand in for the outside world: for rehearsals, the demo, and the tests of the adapters.

A simulator speaks the wire protocol of what it stands for, keeps its own storage and never imports an adapter, so that the two can
only agree by way of the protocol.  The contract suites run over a simulator and over the real counterpart; that keeps it honest.
"""
