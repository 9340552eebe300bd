"""The graph that mends a mesh by posed photos."""

from workflow_graph import Graph

MESH, FOLDER = "recon3d_figure_scan.glb", "recon3d_figure"
WELCOME = """## Mend a mesh by photos
A mesh from anywhere, and photos that were taken of the real thing, with their cameras. The photos pull the surface to \
where they show it; elsewhere the mesh stays as it is.

1. **Choose the mesh** in *Load Mesh*, and connect it in place of *Only for this example*: those two nodes make this \
scan coarse, so that there is something to mend.
2. **Name the photos' folder** in *Load Views*. Mesh and cameras must share one world.
3. Press **Run**. Without a GPU it takes one to three minutes.
"""
CHANGED = """How far the mended mesh lies from the one before, where the photos see it and where they don't: what is \
not seen should hardly change. *Error mesh* shows it: blue stayed, red moved.
"""
FILE = """The GLB holds the first photo's camera. In Blender look through *photo* (View > Cameras > Set Active) with \
the picture as its background: both lie over each other.
"""


def mend_mesh(surface: dict) -> Graph:
    """Mesh to field, bounded by the photos' hull, fitted to them; what changed; a file with the photo's camera."""
    g = Graph("mend_mesh", surface, view=(0.6, 70, 150))
    wide, step = 280, 320
    g.note(WELCOME, (0, 0), (wide, 260), "Start here")
    given = g.node("Recon3D_LoadMesh", (0, 310), (wide, 110), "1  Your mesh", file=MESH)
    rough = g.node("Recon3D_MeshToField", (0, 470), (wide, 130), "Only for this example: coarse", mesh=given[0],
                   resolution=32)  # fmt: skip
    worn = g.node("Recon3D_ExtractMesh", (0, 650), (wide, 420), "Only for this example: smooth", field=rough[0],
                  resolution=32, smooth=40)  # fmt: skip
    model = g.node("Recon3D_LoadModel", (step, 0), (wide, 80), name="zeroshape_w_mini")
    views = g.node("Recon3D_LoadViews", (step, 130), (wide, 330), "2  Its photos", folder=FOLDER, model=model[0])
    parts = g.node("Recon3D_ViewsToImages", (step, 510), (wide, 140), views=views[0])
    g.node("PreviewImage", (step, 700), (wide, 330), "The photos", images=parts[0])
    field = g.node("Recon3D_MeshToField", (2 * step, 0), (wide, 130), "3  The mesh as a field", mesh=worn[0])
    hull = g.node("Recon3D_VisualHull", (2 * step, 180), (wide, 560), "Nothing lies outside", views=views[0],
                  resolution=64)  # fmt: skip
    fit = g.node("Recon3D_FitVolSDF", (3 * step, 0), (wide, 520), "4  Pulled to the photos", views=views[0],
                 start=field[0], hull=hull[0])  # fmt: skip
    mesh = g.node("Recon3D_ExtractMesh", (3 * step, 570), (wide, 420), "5  Mesh", field=fit[0])
    compared = g.node("Recon3D_CompareMeshes", (4 * step, 0), (wide, 560), "What changed", predicted=mesh[0],
                      truth=worn[0], cameras=parts[5])  # fmt: skip
    g.node("PreviewAny", (4 * step, 610), (wide, 230), "Table", source=compared[2])
    g.note(CHANGED, (4 * step, 890), (wide, 160), "What changed")
    baked = g.node("Recon3D_BakeTexture", (5 * step, 0), (wide, 420), "6  Texture", mesh=mesh[0], views=views[0],
                   field=fit[0])  # fmt: skip
    first = g.node("Recon3D_PickCamera", (5 * step, 470), (wide, 90), "The first photo's camera", cameras=parts[5])
    saved = g.node("Recon3D_SaveMesh", (5 * step, 610), (wide, 260), "7  File", mesh=baked[0], cameras=first[0],
                   filename_prefix="3d/mended")  # fmt: skip
    g.note(FILE, (5 * step, 920), (wide, 130), "The file")
    g.node("Preview3D", (6 * step, 0), (460, 770), "Your model", model_file=saved[0])
    return g
