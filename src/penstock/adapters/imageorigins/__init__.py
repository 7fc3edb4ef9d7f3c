"""Where ISOs come from, for those that no payload holds: addresses, and files of this machine."""

from penstock.adapters.imageorigins.choice import AnyOrigin
from penstock.adapters.imageorigins.inspection import Inspection
from penstock.adapters.imageorigins.standing import StandingImages
from penstock.adapters.imageorigins.web import WebImages

__all__ = ["AnyOrigin", "Inspection", "StandingImages", "WebImages"]
