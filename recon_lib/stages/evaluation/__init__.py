"""Evaluation: meshes and images against the truth."""
