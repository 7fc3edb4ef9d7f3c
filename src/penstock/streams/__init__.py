"""The streams stage: which boot image does an installer use here?

Its rules are pure functions over stream documents; the shells read and write the files.
"""
