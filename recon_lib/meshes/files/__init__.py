"""Mesh files (GLB, OBJ, PLY, STL) and ComfyUI's MESH."""
