"""Whose outline the object of a painted view has: the current surface's, or what the painter drew."""

SURFACE, PAINTED = OUTLINES = "surface", "painted"
