"""Space carving: the visual hull of masks."""
