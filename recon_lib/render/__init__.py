"""Rendering: meshes, points, signed distances and radiance; projection of images onto surfaces."""
