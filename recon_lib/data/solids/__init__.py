"""Endless procedural solids: signed distance functions, a seeded generator of object-like compositions, export."""
