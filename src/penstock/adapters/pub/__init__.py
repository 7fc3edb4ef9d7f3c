"""Pub: the lists of images that pushes left in the logs of its tasks, ``pub:https://PUB?task_id=N``."""

from penstock.adapters.pub.source import PubSource

__all__ = ["PubSource"]
