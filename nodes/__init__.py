"""Nodes: ComfyUI's doors to the stages, a file each. ComfyUI calls `comfy_entrypoint` once at its start.

Node files import their stage inside `run`: ComfyUI starts no slower, and a stage that cannot be imported costs
one node, not all.
"""

from comfy_api.latest import ComfyExtension

from . import (
    cameras,
    carve,
    demo,
    depth_normal,
    evaluate,
    file_3d,
    fit,
    g3dr,
    geometry,
    list_sdf,
    loop,
    mask,
    mesh,
    mesh_field,
    mesh_files,
    models,
    outpaint,
    personalize,
    photo_onto_mesh,
    pose,
    prior,
    radiance,
    regress,
    render,
    schedule,
    views,
)
from .host import offer_samples, register_folders
from .node_replacements import register_replacements

FILES = (
    demo, models, prior, mask, depth_normal, regress, list_sdf, g3dr, cameras, pose, views, geometry, carve, schedule,
    outpaint, personalize, mesh_field, fit, radiance, loop, render, mesh, photo_onto_mesh, mesh_files,
    file_3d, evaluate,
)  # fmt: skip


class Recon3D(ComfyExtension):
    async def on_load(self) -> None:
        await register_replacements()

    async def get_node_list(self):
        return [node for file in FILES for node in file.NODES]


async def comfy_entrypoint() -> Recon3D:
    register_folders()  # here, since `on_load` is not called by ComfyUI 0.3.64
    offer_samples()
    return Recon3D()
