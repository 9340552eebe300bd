"""Meshing: surface extraction, texture, mesh files."""
