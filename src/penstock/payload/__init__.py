"""What is in a release, made and read: payload images, and files out of the images that they name."""
