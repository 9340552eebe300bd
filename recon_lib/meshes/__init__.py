"""Meshes: alignment, cleaning, unwrapping, symmetry, distances."""
