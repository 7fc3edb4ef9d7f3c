"""Who is told of progress."""

from collections.abc import Callable

from penstock.model.progress import Progress

ProgressSink = Callable[[Progress], None]
"""Takes progress events; called from any thread, never raises, returns at once."""
