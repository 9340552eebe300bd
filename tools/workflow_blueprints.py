"""Blueprints: subgraphs that newer pages offer as nodes of their own, written into subgraphs/."""

from pathlib import Path

from workflow_graph import Output, Subgraph

WIDE = 300


def photo_to_mesh(surface: dict, folder: Path) -> None:
    """Image to a textured mesh."""
    s = Subgraph("Photo to Mesh (Recon3D)", surface)
    image, size = s.input("image", "IMAGE"), s.input("texture size", "INT")
    model = s.node("Recon3D_LoadModel", (0, 320), (WIDE, 80), name="zeroshape_w_mini")
    shape = s.node("Recon3D_RegressShape", (340, 40), (WIDE, 420), model=model[0], image=image)
    s.output("mesh", textured(s, 680, shape[0], shape[1], size))
    s.output("field", shape[0])
    s.output("views", shape[1])
    s.write_blueprint(folder, "One photo to a textured mesh, background and all (ZeroShape-W).", {"texture size": 1024})


def photos_to_mesh(surface: dict, folder: Path) -> None:
    """A folder of posed photos to a textured mesh."""
    s = Subgraph("Photos to Mesh (Recon3D)", surface)
    place, size = s.input("folder", "STRING"), s.input("texture size", "INT")
    model = s.node("Recon3D_LoadModel", (0, 320), (WIDE, 80), name="zeroshape_w_mini")
    views = s.node("Recon3D_LoadViews", (340, 40), (WIDE, 325), folder=place, model=model[0])
    fit = s.node("Recon3D_FitVolSDF", (680, 40), (WIDE, 470), views=views[0])
    s.output("mesh", textured(s, 1020, fit[0], views[0], size, "field"))
    s.output("field", fit[0])
    s.output("views", views[0])
    told = "A folder of photos with their cameras to a textured mesh (VolSDF); photos without masks are segmented."
    s.write_blueprint(folder, told, {"folder": "recon3d_figure", "texture size": 1024})


def back_side(surface: dict, folder: Path) -> None:
    """Image to a mesh whose unseen side was painted."""
    s = Subgraph("Photo to Mesh with its Back Side (Recon3D)", surface)
    image, words = s.input("image", "IMAGE"), s.input("what it is", "STRING")
    cameras, size = s.input("cameras", "INT"), s.input("texture size", "INT")
    model = s.node("Recon3D_LoadModel", (0, 320), (WIDE, 80), name="zeroshape_w_mini")
    painter = s.node(
        "Recon3D_LoadOutpainter", (0, 450), (WIDE, 250), name="outpainter_mini", control="none", lora="none"
    )
    seen = s.node("Recon3D_VisibleSurface", (340, 40), (WIDE, 430), model=model[0], image=image)
    first = s.node("Recon3D_CropViews", (340, 520), (WIDE, 110), views=seen[1], side=256)
    shape = s.node("Recon3D_CompleteShape", (680, 40), (WIDE, 60), model=model[0], points=seen[0])
    hull = s.node("Recon3D_VisualHull", (680, 150), (WIDE, 440), views=first[0], resolution=64)
    field = s.node("Recon3D_FitVolSDF", (680, 640), (WIDE, 470), views=first[0], start=shape[0], hull=hull[0], cues=0.0,
                   hold_shape=True)  # fmt: skip
    grown = s.node(
        "Recon3D_GrowAround", (1020, 40), (WIDE, 620), views=first[0], field=field[0], model=model[0],
        outpainter=painter[0], prompt=words, cameras=cameras,
    )  # fmt: skip
    s.output("mesh", textured(s, 1360, grown[1], grown[0], size, "field"))
    s.output("field", grown[1])
    s.output("views", grown[0])
    told = "One photo to a mesh whose unseen side is painted view by view (after POP3D)."
    s.write_blueprint(folder, told, {"what it is": "", "cameras": 8, "texture size": 1024})


def textured(s: Subgraph, x: int, field: Output, views: Output, size: Output, painted_by: str = "views") -> Output:
    """The field's mesh with its texture. painted_by: "field" where it also has colours for what no view shows."""
    mesh = s.node("Recon3D_ExtractMesh", (x, 40), (WIDE, 400), field=field)
    colors = {"field": field} if painted_by == "field" else {}
    return s.node("Recon3D_BakeTexture", (x, 490), (WIDE, 370), mesh=mesh[0], views=views, size=size, **colors)[0]


BLUEPRINTS = (photo_to_mesh, photos_to_mesh, back_side)
