"""The whole road on embedded parts: registry and clouds in this process, small images made on the spot, real formats, real verification."""
