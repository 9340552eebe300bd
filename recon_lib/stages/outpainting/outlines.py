"""Outlines that the object of a painted view can have: the current surface's, or the painter's."""

SURFACE, PAINTED = OUTLINES = "surface", "painted"
