"""Shards: stored renders of objects and orbits, and the scenes composed of them."""
