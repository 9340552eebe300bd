"""The pose of a mesh in a photo: search over all rotations, then refinement by comparing renders with the photo."""
