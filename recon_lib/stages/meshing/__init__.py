"""Meshing: a field to a mesh, its texture, its file."""
