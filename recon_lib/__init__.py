"""Image-to-3D reconstruction: stages, fields and systems. Knows nothing of ComfyUI."""
