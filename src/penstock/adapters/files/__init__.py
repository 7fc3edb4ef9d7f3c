"""The local file system: atomic rewriting, staging of folders, and what its errors mean."""
