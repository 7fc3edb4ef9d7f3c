"""The documents of a staging area (pushsource: ``_impl/backend/staged/{staged_cloud,staged_ami,staged_utils}.py``).

Two describe images: ``resources.yaml`` in a folder below ``CLOUD_IMAGES``, and ``staged.yaml`` at the top for the files below
``AWS_IMAGES``.  All that is wrong in one is told at once.  Texts that look like numbers want quotes (``version: "9.4"``), as upstream;
``respin`` and ``date`` may be numbers.
"""

from penstock.formats.staged.builds import derive_build
from penstock.formats.staged.metadata import AWS_IMAGES, StagedMetadata, parse_metadata
from penstock.formats.staged.resources import CLOUD_IMAGES, parse_resources

__all__ = ["AWS_IMAGES", "CLOUD_IMAGES", "StagedMetadata", "derive_build", "parse_metadata", "parse_resources"]
