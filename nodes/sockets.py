"""The pack's own socket types. IMAGE, MASK, MESH and STRING are ComfyUI's.

Values on these sockets are frozen dataclasses of the library and lie on the CPU; a node never edits one,
because ComfyUI hands the same object to every node behind the link and keeps it for the next run.
"""

from comfy_api.latest import io

Cameras = io.Custom("RECON3D_CAMERAS")  # cameras.camera.Cameras, one or many
Views = io.Custom("RECON3D_VIEWS")  # views.Views: images with cameras, masks, depth, normals, provenance
Field = io.Custom("RECON3D_FIELD")  # fields.field.Field: how far inside is a point?
Model = io.Custom("RECON3D_MODEL")  # weights.registry.LoadedModel: a network with its card
Points = io.Custom("RECON3D_POINTS")  # a surface, visible or coarse: points, colours, and the views they come from
Outpainter = io.Custom("RECON3D_OUTPAINTER")  # an inpainting backend
Prior = io.Custom("RECON3D_PRIOR")  # networks.contracts.ViewPrior: what posed pictures don't show
OutpaintMask = io.Custom("RECON3D_GAP")  # stages.outpainting.mask.OutpaintMask: what cameras know and what they miss
Geometry = io.Custom("MOGE_GEOMETRY,DA3_GEOMETRY")  # dicts of ComfyUI's own nodes; see views.comfy_geometry
FILES_3D = ("FILE_3D", "FILE_3D_GLB", "FILE_3D_GLTF", "FILE_3D_OBJ", "FILE_3D_STL", "FILE_3D_PLY")  # newer ComfyUI's
File3D = io.Custom(",".join(FILES_3D))  # any of them
File3DGLB = io.Custom("FILE_3D_GLB")
