"""Writes the shipped workflows, for the page and for the API, and the blueprints: python tools/make_workflows.py

Sockets and defaults are read from tests/node_surface.json. Thumbnails are screenshots and are made by hand.
"""

import json
from pathlib import Path

from workflow_blueprints import BLUEPRINTS
from workflow_g3dr import g3dr, g3dr_text_to_3d
from workflow_graph import Graph
from workflow_list import list_sdf
from workflow_mend import mend_mesh
from workflow_photo_onto_mesh import photo_onto_mesh
from workflow_pop3d import native_inpaint, pop3d
from workflow_reconfusion import reconfusion
from workflow_start import few_views_volsdf, photo_to_mesh, photos_to_mesh
from workflow_steps import steps

ROOT = Path(__file__).resolve().parent.parent
GREEN, BLUE, PURPLE, ORANGE = "#3f5f3f", "#3f4f6f", "#553f6f", "#6f553f"

WELCOME = """## Photo to textured mesh (ZeroShape-W)
1. **Choose a photo** in *Load Image*, or take this one.
2. Press **Run**.

Background, clutter and things in front of the object may stay. Everything needed is in the pack. The same in eight \
nodes: workflow *photo_to_mesh*.
"""
MASK_NOTE = """Green is the object as far as it is seen, red is what stands in front of it.

Any mask can take the place of *object*: connect it to *mask* of *Estimate Depth & Normal Map* and *Visible Surface*. \
White must mark the object. **Load Image gives the opposite** (white where the picture is transparent): pass its mask \
through *Prepare Mask* with *meaning* set to *white is the background*.
"""
DEPTH_NOTE = """Any depth node can stand here. Depth-Anything and MiDaS nodes show near as bright: set *depth_kind* \
of *Visible Surface* to match. Folders of transformers or diffusers models in `models/recon3d` appear under \
*estimator*.
"""
SURFACE_NOTE = """What the camera saw, as points: nothing here is guessed but the depth.

*Complete Shape* adds the rest, and knows from the occluder's mask where the object may go on behind something.
"""
TEXTURE_NOTE = """**Complete Shape** answers for any point in space whether it lies inside the object.

**Extract Mesh** finds the surface in between. *resolution* 128 is a quick look, 512 shows what the model can do.

**Bake Texture** keeps what the photo shows and continues it over the rest: from the mirrored side where the shape is \
symmetric, else along the surface.

To look at the shape without colours, set *shading* of *Render* to *clay*.
"""
RESULT_NOTE = """The GLB lies in ComfyUI's output folder under `3d/`, upright, with its texture, and stands in the \
server's history.

For a printer set *format* to *stl* and *size_mm* to the wanted size.

*provenance* as *shading* of *Render* shows green what the photo showed; the rest is inferred.

To measure against a known shape, connect *Load Mesh* and the textured mesh to *Compare Meshes*.
"""


def zeroshape_w(surface: dict) -> Graph:
    """One photo through every stage, each shown."""
    g = Graph("zeroshape_w", surface)
    wide = 300
    g.group("1  Photo & model", (0, -40, 340, 1100), GREEN)
    g.note(WELCOME, (20, 40), (wide, 200), "Read me")
    photo = g.node("LoadImage", (20, 290), (wide, 440), "Choose a photo", image="recon3d_buddha_side.jpg")
    model = g.node("Recon3D_LoadModel", (20, 780), (wide, 80), name="zeroshape_w_mini")

    g.group("2  What is seen, and what hides it", (370, -40, 660, 1100), BLUE)
    masks = g.node("Recon3D_Segment", (390, 40), (wide, 460), model=model[0], image=photo[0])
    g.node("MaskPreview", (710, 40), (wide, 460), "Object (visible part)", mask=masks[0])
    g.node("MaskPreview", (710, 550), (wide, 460), "Occluder", mask=masks[1])
    g.note(MASK_NOTE, (390, 550), (wide, 250), "Your own mask")

    g.group("3  Depth & normals", (1060, -40, 340, 1100), BLUE)
    depth = g.node(
        "Recon3D_EstimateDepthNormals", (1080, 40), (wide, 430),
        model=model[0], image=photo[0], mask=masks[0], estimator="the connected model",
    )  # fmt: skip
    g.node("PreviewImage", (1080, 520), (wide, 300), "Depth (far is bright)", images=depth[0])
    g.note(DEPTH_NOTE, (1080, 870), (wide, 150), "Other depth nodes")

    g.group("4  Visible surface", (1430, -40, 340, 1100), PURPLE)
    seen = g.node(
        "Recon3D_VisibleSurface", (1450, 40), (wide, 520),
        model=model[0], image=photo[0], mask=masks[0], occluder=masks[1], depth=depth[0],
    )  # fmt: skip
    g.note(SURFACE_NOTE, (1450, 610), (wide, 150), "Half of the answer")

    g.group("5  Whole shape", (1800, -40, 340, 1100), PURPLE)
    field = g.node("Recon3D_CompleteShape", (1820, 40), (wide, 60), model=model[0], points=seen[0])
    mesh = g.node("Recon3D_ExtractMesh", (1820, 150), (wide, 400), field=field[0])
    baked = g.node("Recon3D_BakeTexture", (1820, 600), (wide, 370), mesh=mesh[0], views=seen[1])
    g.note(TEXTURE_NOTE, (1450, 810), (wide, 230), "The other half")

    g.group("6  Result", (2170, -40, 1070, 1100), ORANGE)
    frames = g.node("Recon3D_Render", (2190, 40), (wide, 420), mesh=baked[0], frames=6, size=256)
    g.node("PreviewImage", (2190, 510), (wide, 530), "Around the object", images=frames[0])
    saved = g.node("Recon3D_SaveMesh", (2510, 40), (wide, 230), mesh=baked[0], upright=seen[1],
                   filename_prefix="3d/zeroshape_w")  # fmt: skip
    g.node("PreviewAny", (2510, 320), (wide, 110), "Report", source=saved[1])
    g.note(RESULT_NOTE, (2510, 480), (wide, 250), "The result")
    g.node("Preview3D", (2830, 40), (390, 1000), model_file=saved[0])
    return g


def main() -> None:
    surface = json.loads((ROOT / "tests" / "node_surface.json").read_text(encoding="utf-8"))
    for make in (
        photo_to_mesh, photos_to_mesh, few_views_volsdf, mend_mesh, photo_onto_mesh, zeroshape_w, pop3d,
        native_inpaint, steps,
    ):  # fmt: skip
        make(surface).write(ROOT / "workflows")
    learned = (
        (list_sdf, "list_mini"), (g3dr, "g3dr_mini"), (g3dr_text_to_3d, "g3dr_mini"),
        (reconfusion, "view_diffusion_mini"),
    )  # fmt: skip
    for make, model in learned:
        if (ROOT / "recon_lib" / "weights" / "embedded" / f"{model}.json").is_file():  # else it could not run
            make(surface).write(ROOT / "workflows")
    for draw in BLUEPRINTS:
        draw(surface, ROOT / "subgraphs")


if __name__ == "__main__":
    main()
