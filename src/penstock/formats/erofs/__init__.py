"""EROFS images: read, never written."""
