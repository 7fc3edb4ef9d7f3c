"""ISO 9660 images: read and written, with Rock Ridge names, El Torito boot entries and the MBR and GPT of hybrid images.

``reader`` opens an image; ``writer`` plans a new one as a list of segments (``segments``), which nothing has to copy; ``again`` makes
of an image what the writer takes, so that a changed image can be built from it.
"""
