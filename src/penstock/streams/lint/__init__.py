"""Schema and lint of stream documents: what is wrong, what is odd, what got lost.

:func:`~penstock.streams.lint.checking.check_document` reads a file and looks at it; the rules stand in one module for each thing that they
look at, and are pure.
"""
