"""squashfs 4.0 images: read, never written."""
