"""Fill a stream's marketplace images from the catalogues of the clouds.

``request`` says what is looked for and ``entries`` what a finding is.  ``azure``, ``aws``, ``gcp`` and ``gallery`` look for images, each
over its port, and change nothing.  Azure's catalogue tells of a version nothing but its name, so there the versions are ranked first
(``azure_choice``) and looked at one after the other; the other catalogues tell all at once, and ``nearest`` takes the best.  ``plan`` puts
all findings into the documents; ``report`` and ``provenance`` tell of it.
"""
