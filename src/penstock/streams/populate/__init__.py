"""Fill a stream's marketplace images from the catalogues of the clouds.

``entries`` says what a finding is; ``azure``, ``aws``, ``gcp`` and ``gallery`` look for images, each over its port, and change nothing;
``plan`` puts all findings into the documents at once.
"""
