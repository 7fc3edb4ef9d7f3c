"""Use cases that need two stages or more; stages never import each other, so what joins them stands here."""
