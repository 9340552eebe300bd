"""The graph of LIST: coarse points, their occupancy, a signed distance, an upright mesh."""

from workflow_graph import Graph

GREEN, BLUE, PURPLE, ORANGE = "#3f5f3f", "#3f4f6f", "#553f6f", "#6f553f"
WIDE = 300

WELCOME = """## One photo to an upright object (LIST)
1. **Choose a photo** in *Load Image*, or take this one.
2. Press **Run**.

However the photo was tilted, the object comes out standing: gravity points down, and its front is the photo's side.
"""
MASK_NOTE = """LIST was trained on objects that were cut out, so it needs a mask. *Segment* finds \
one; a mask of your own can take its place (white marks the object).
"""
POINTS_NOTE = """**Coarse Points** is a rough cloud of the whole object, the unseen side with it. Points of a scan can \
take its place.

**Points to Occupancy** shows the grid that the next step reads: how probably the surface passes through each cell.
"""
SHAPE_NOTE = """**Regress SDF** joins what the points say of the whole with what the photo shows of each place, and \
answers for any point how far the surface is. *angles*: how the camera was held, as it estimates.

**Bake Texture** uses that estimated camera.
"""


def list_sdf(surface: dict) -> Graph:
    """One photo through every stage of LIST, each shown."""
    g = Graph("list", surface)
    g.group("1  Photo & models", (0, -40, 340, 1240), GREEN)
    g.note(WELCOME, (20, 40), (WIDE, 260), "Read me")
    photo = g.node("LoadImage", (20, 350), (WIDE, 350), "Choose a photo", image="recon3d_dahlia.jpg")
    finder = g.node("Recon3D_LoadModel", (20, 750), (WIDE, 80), "Model of the mask", name="zeroshape_w_mini")
    model = g.node("Recon3D_LoadModel", (20, 880), (WIDE, 80), "Model of the shape", name="list_mini")

    g.group("2  Mask", (360, -40, 340, 1240), BLUE)
    masks = g.node("Recon3D_Segment", (380, 40), (WIDE, 340), model=finder[0], image=photo[0])
    g.node("MaskPreview", (380, 430), (WIDE, 280), "Object", mask=masks[0])
    g.note(MASK_NOTE, (380, 760), (WIDE, 120), "Your own mask")

    g.group("3  Coarse points", (720, -40, 660, 1240), PURPLE)
    points = g.node(
        "Recon3D_CoarsePoints", (740, 40), (WIDE, 430), model=model[0], image=photo[0], mask=masks[0], occluder=masks[1]
    )
    occupied = g.node("Recon3D_PointsToOccupancy", (1060, 40), (WIDE, 90), model=model[0], points=points[0])
    g.node("PreviewImage", (1060, 180), (WIDE, 500), "Occupancy: front, right, above", images=occupied[1])
    g.note(POINTS_NOTE, (740, 730), (620, 120), "The coarse branch")

    g.group("4  Whole shape", (1400, -40, 340, 1240), PURPLE)
    shape = g.node(
        "Recon3D_RegressSdf",
        (1420, 40),
        (WIDE, 140),
        model=model[0],
        image=photo[0],
        mask=masks[0],
        points=points[0],
        occluder=masks[1],
    )
    g.node("PreviewAny", (1420, 230), (WIDE, 70), "How the camera was held", source=shape[2])
    mesh = g.node("Recon3D_ExtractMesh", (1420, 350), (WIDE, 400), field=shape[0])
    baked = g.node("Recon3D_BakeTexture", (1420, 800), (WIDE, 370), mesh=mesh[0], views=shape[1])
    g.note(SHAPE_NOTE, (740, 900), (620, 110), "The fine branch")

    g.group("5  Result", (1760, -40, 750, 1240), ORANGE)
    frames = g.node("Recon3D_Render", (1780, 40), (WIDE, 415), mesh=baked[0], frames=6, size=256)
    g.node("PreviewImage", (1780, 505), (WIDE, 280), "Around the object", images=frames[0])
    saved = g.node("Recon3D_SaveMesh", (1780, 835), (WIDE, 230), mesh=baked[0], filename_prefix="3d/list")
    g.node("Preview3D", (2100, 40), (390, 990), model_file=saved[0])
    return g
