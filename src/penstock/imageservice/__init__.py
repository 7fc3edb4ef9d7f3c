"""The image service stage: how does a host get its discovery ISO?

Its rules are pure functions: everything that is made for one user is an overlay, a list of ranges of the base ISO and of bytes that
stand in place of others, never a copy.  The shells open the files and write or send what the plan says.
"""
