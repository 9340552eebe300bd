"""Single view: mask and occluder, depth and normals, visible surface, completed shape."""
