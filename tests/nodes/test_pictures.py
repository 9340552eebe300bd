"""What nodes show of their results: meshes from the front, four pictures in reading order."""

import torch


def test_four_pictures_in_reading_order(pack):
    images = torch.arange(4.0)[:, None, None, None].expand(4, 3, 2, 2)
    joined = pack.file("pictures").four_in_one(images)
    assert joined.shape == (3, 4, 4)
    assert joined[0, ::2, ::2].tolist() == [[0.0, 1.0], [2.0, 3.0]]


def test_a_mesh_is_seen_from_the_front(pack):
    library, side = pack.lib("meshes.mesh"), pack.file("pictures").SIDE_PX
    corners = torch.tensor([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    colors = torch.tensor([[0.0, 0, 1], [1, 0, 0], [1, 0, 0], [0, 0, 1]])
    quad = library.Mesh(corners, torch.tensor([[0, 1, 2], [0, 2, 3]]), vertex_colors=colors)
    picture = pack.file("pictures").mesh_picture(quad, "albedo")()
    assert picture.shape == (3, side, side)
    left, right = picture[:, side // 2, side // 3], picture[:, side // 2, side - side // 3]
    assert left[2] > left[0] and right[0] > right[2]


def test_extraction_and_simplification_show_their_mesh(pack):
    from types import SimpleNamespace

    from comfy import utils

    ball = SimpleNamespace(
        bounds=torch.tensor([[-1.0] * 3, [1.0] * 3]), has_color=False, inside=lambda p: 0.6 - p.norm(dim=-1)
    )
    mesh = pack.run("Recon3D_ExtractMesh", field=ball, resolution=16).result[0]
    assert utils.updates[-1][2] is not None
    utils.updates.clear()
    pack.run("Recon3D_SimplifyMesh", mesh=mesh, max_faces=100)
    assert utils.updates[-1][2] is not None
