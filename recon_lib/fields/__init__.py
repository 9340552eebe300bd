"""Fields: how far inside the object a point is, and its colour."""
