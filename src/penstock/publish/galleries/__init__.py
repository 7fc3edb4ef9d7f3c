"""VHDs as versions of images in Azure's compute galleries, which may be shared with everybody."""
