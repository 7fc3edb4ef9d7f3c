"""Images of Google Cloud: uploaded as ``.tar.gz``, inserted, shared, put into families; older ones are deprecated."""
