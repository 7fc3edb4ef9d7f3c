"""A stream's files brought into a folder, verified, and a stream that names them there."""
