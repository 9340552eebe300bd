"""The graph after ReconFusion: few posed photos, a prior of what they don't show, a radiance field, a film, a mesh."""

from workflow_graph import Graph

GREEN, PURPLE, ORANGE, BLUE = "#3f5f3f", "#553f6f", "#6f553f", "#3f4f6f"
WIDE = 300

WELCOME = """## Three posed photos to a film and a mesh (after ReconFusion)
Press **Run**, or write the name of a folder of your own into *Load Views*: photos with their cameras below ComfyUI's \
`input` folder.

It is computed on the CPU and takes about ten minutes on two cores.
"""
PRIOR_NOTE = """While the field is fitted, cameras between the photos look at it now and then. The **prior** says \
what they should see, judged from the photos, and the field is drawn towards that, less and less.

It is small and knows objects at 64 pixels: it sharpens little. Leave *prior* unconnected to see what it changes.
"""
FILM_NOTE = """**Render Path** flies around the field. Connect its frames to *Create Video* or *Save WEBM*.
"""


def reconfusion(surface: dict) -> Graph:
    """Views, prior, radiance field; frames of a turntable; mesh, texture, file."""
    g = Graph("reconfusion", surface)
    g.group("1  Photos & prior", (0, -40, 340, 1470), GREEN)
    g.note(WELCOME, (20, 40), (WIDE, 200), "Read me")
    views = g.node("Recon3D_LoadViews", (20, 290), (WIDE, 325), "Photos", folder="recon3d_figure/three_views.json")
    prior = g.node("Recon3D_LoadViewPrior", (20, 665), (WIDE, 110), name="view_diffusion_mini")
    model = g.node("Recon3D_LoadModel", (20, 825), (WIDE, 80), name="zeroshape_w_mini")
    parts = g.node("Recon3D_ViewsToImages", (20, 955), (WIDE, 140), views=views[0])
    g.node("PreviewImage", (20, 1145), (WIDE, 260), "What is given", images=parts[0])

    g.group("2  Radiance field", (360, -40, 340, 1470), PURPLE)
    hull = g.node("Recon3D_VisualHull", (380, 40), (WIDE, 440), views=views[0], resolution=64)
    field = g.node(
        "Recon3D_FitRadianceField", (380, 530), (WIDE, 640), views=views[0], hull=hull[0], prior=prior[0],
        model=model[0], pixels=128, depth_ranking=0.1,
    )  # fmt: skip
    g.note(PRIOR_NOTE, (740, 990), (WIDE, 200), "What nobody saw")

    g.group("3  Film", (720, -40, 340, 1470), BLUE)
    film = g.node("Recon3D_RenderPath", (740, 40), (WIDE, 460), field=field[0], frames=24)
    g.node("PreviewImage", (740, 550), (WIDE, 260), "24 frames around", images=film[0])
    g.note(FILM_NOTE, (740, 860), (WIDE, 80), "As a video")

    g.group("4  Mesh", (1080, -40, 750, 1470), ORANGE)
    mesh = g.node("Recon3D_ExtractMesh", (1100, 40), (WIDE, 400), field=field[0], resolution=128)
    baked = g.node("Recon3D_BakeTexture", (1100, 490), (WIDE, 370), mesh=mesh[0], views=views[0])
    saved = g.node("Recon3D_SaveMesh", (1100, 910), (WIDE, 230), mesh=baked[0], filename_prefix="3d/reconfusion")
    g.node("Preview3D", (1420, 40), (390, 1000), model_file=saved[0])
    return g
