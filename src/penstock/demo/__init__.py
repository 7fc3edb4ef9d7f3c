"""The whole road on embedded parts: a registry in this process, small images made on the spot, real formats and real verification."""
