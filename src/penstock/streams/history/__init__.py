"""Which releases of a stream carried which image, and when."""
