"""Views: posed images with masks, depth, normals and provenance, and how they are read, cropped and chosen."""
