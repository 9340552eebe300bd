import json

import numpy as np
import pytest
import torch
from PIL import Image

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput, Interrupted
from recon_lib.progress import Progress
from recon_lib.views.posed_images import load_views, save_views
from recon_lib.views.views import Views


def some_views(count=3, height=6, width=8, layers=True):
    cameras = Cameras.orbit([40.0 * i for i in range(count)], 10.0, 3.0, 40.0, height, width).cropped(
        1, 2, width, height
    )
    images = torch.randint(0, 256, (count, 3, height, width)) / 255
    masks = torch.randint(0, 256, (count, 1, height, width)) / 255
    extra = {}
    if layers:
        extra["depth"] = torch.rand(count, 1, height, width) * 3 * (masks > 0.5)
        extra["normals"] = torch.nn.functional.normalize(torch.randn(count, 3, height, width), dim=1)
        extra["provenance"] = torch.randint(0, 4, (count, 1, height, width), dtype=torch.uint8)
    return Views(images, cameras, masks, **extra)


def write_folder(folder, change=lambda value: None, size=(8, 6), mode="RGB"):
    """A small foreign folder of two frames, with `change` applied to its JSON."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    frames = []
    for i in range(2):
        pixels = np.full((size[1], size[0], len(mode)), 51 * (i + 1), np.uint8)
        if mode == "RGBA":
            pixels[..., 3] = 255 * (np.arange(size[0]) < 3)
        Image.fromarray(pixels).save(folder / "images" / f"{i}.png")
        frames.append({"file_path": f"images/{i}.png", "transform_matrix": np.eye(4).tolist()})
    value = {"fl_x": 10.0, "fl_y": 11.0, "cx": 4.0, "cy": 3.0, "w": 8, "h": 6, "frames": frames}
    change(value)
    (folder / "transforms.json").write_text(json.dumps(value))
    return folder


@pytest.mark.parametrize("layers", [True, False])
def test_what_was_saved_comes_back(tmp_path, layers):
    views = some_views(layers=layers)
    folder = save_views(views, tmp_path / "deep" / "views")
    again = load_views(folder)
    assert torch.equal(again.images, views.images)
    assert torch.equal(again.masks, views.masks)
    assert torch.allclose(again.cameras.camera_to_world, views.cameras.camera_to_world, atol=1e-6)
    assert torch.allclose(again.cameras.intrinsics, views.cameras.intrinsics)
    if not layers:
        assert (again.depth, again.normals, again.provenance) == (None, None, None)
        return
    assert torch.allclose(again.depth, views.depth, rtol=1e-6)
    assert torch.equal(again.normals, views.normals)
    assert torch.equal(again.provenance, views.provenance)
    assert again.provenance.dtype == torch.uint8


def test_the_file_follows_nerfstudio(tmp_path):
    """OpenGL camera axes: the camera at +z that looks at the origin has the identity rotation."""
    camera = Cameras.orbit(0, 0, 3.0, 40.0, 6, 8)
    views = Views(torch.zeros(1, 3, 6, 8), camera, torch.ones(1, 1, 6, 8), depth=torch.full((1, 1, 6, 8), 2.5))
    folder = save_views(views, tmp_path / "views")
    value = json.loads((folder / "transforms.json").read_text())
    frame = value["frames"][0]
    expected = np.eye(4)
    expected[2, 3] = 3
    assert np.allclose(frame["transform_matrix"], expected, atol=1e-6)
    assert (value["w"], value["h"], value["camera_model"]) == (8, 6, "OPENCV")
    assert (frame["cx"], frame["cy"]) == (4, 3)
    assert frame["file_path"] == "images/0000.png"
    assert np.allclose(np.load(folder / frame["depth_file_path"]), 2500)  # thousandths, nerfstudio's own unit
    assert np.asarray(Image.open(folder / frame["mask_path"])).min() == 255


def test_a_foreign_folder(tmp_path):
    views = load_views(write_folder(tmp_path))
    assert torch.allclose(views.images[1], torch.full((3, 6, 8), 0.4))
    assert views.cameras.intrinsics[0].tolist() == [[10, 0, 4], [0, 11, 3], [0, 0, 1]]
    assert torch.equal(views.cameras.rotation[0], torch.diag(torch.tensor([1.0, -1, -1])))
    assert views.masks.min() == 1
    assert views.depth is None


def test_a_frames_own_lens_wins(tmp_path):
    views = load_views(write_folder(tmp_path, lambda value: value["frames"][1].update(fl_x=20.0)))
    assert views.cameras.intrinsics[:, 0, 0].tolist() == [10, 20]


def test_blenders_dialect(tmp_path):
    def change(value):
        for key in ("fl_x", "fl_y", "cx", "cy", "w", "h"):
            del value[key]
        value["camera_angle_x"] = 2 * np.arctan(8 / 2 / 10)
        value["frames"][0]["file_path"] = "./images/0"  # no ending

    views = load_views(write_folder(tmp_path, change, mode="RGBA"))
    assert torch.allclose(views.cameras.intrinsics[0], torch.tensor([[10.0, 0, 4], [0, 10, 3], [0, 0, 1]]))
    assert torch.equal(views.masks[0, 0, 0], (torch.arange(8) < 3).float())  # alpha


def test_the_lens_follows_reduced_images(tmp_path):
    def change(value):
        value.update(w=16, h=12, fl_x=20.0, fl_y=22.0, cx=8.0, cy=6.0)

    views = load_views(write_folder(tmp_path, change))
    assert views.cameras.intrinsics[0].tolist() == [[10, 0, 4], [0, 11, 3], [0, 0, 1]]


def test_depth_pictures_are_millimetres_unless_told_otherwise(tmp_path):
    def change(value):
        for i, frame in enumerate(value["frames"]):
            Image.fromarray(np.full((6, 8), 1500 * (i + 1), np.uint16)).save(tmp_path / "images" / f"d{i}.png")
            frame["depth_file_path"] = f"images/d{i}.png"
            frame["mask_path"] = "images/0.png"

    views = load_views(write_folder(tmp_path, change))
    assert torch.allclose(views.depth[:, 0, 0, 0], torch.tensor([1.5, 3.0]))
    assert views.masks.min() == 1  # of one value, and that is not 0
    again = load_views(
        write_folder(tmp_path, lambda value: (change(value), value.update(depth_unit_scale_factor=0.01)))
    )
    assert torch.allclose(again.depth, views.depth * 10)


def test_a_layer_that_one_frame_lacks_is_left_out(tmp_path):
    def change(value):
        np.save(tmp_path / "depth.npy", np.ones((6, 8)))
        value["frames"][0]["depth_file_path"] = "depth.npy"

    assert load_views(write_folder(tmp_path, change)).depth is None


def test_holes_in_depth_are_no_surface(tmp_path):
    def change(value):
        depth = np.ones((6, 8, 1), np.float32) * 1000
        depth[0, :3, 0] = np.nan, np.inf, -4
        np.save(tmp_path / "depth.npy", depth)
        for frame in value["frames"]:
            frame["depth_file_path"] = "depth.npy"

    depth = load_views(write_folder(tmp_path, change)).depth
    assert depth[0, 0, 0, :4].tolist() == [0, 0, 0, 1]


# -- refusals ---------------------------------------------------------------------------------------------


def set_frame(**entries):
    return lambda value: value["frames"][1].update(entries)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda value: value.pop("frames"), "no list of frames"),
        (lambda value: value.update(frames=[]), "no list of frames"),
        (lambda value: value.update(camera_model="OPENCV_FISHEYE"), "lens OPENCV_FISHEYE, without coefficients"),
        (lambda value: value.update(camera_model="EQUIRECTANGULAR"), "cameramodel 'EQUIRECTANGULAR'"),
        (lambda value: (value.pop("fl_x"), value.pop("fl_y")), "neither fl_x nor camera_angle_x"),
        (lambda value: value.update(w="8"), "w and h of 0.png"),
        (lambda value: value.update(depth_unit_scale_factor=0), "depth_unit_scale_factor"),
        (set_frame(file_path="images/9.png"), "9.png is missing"),
        (set_frame(file_path=None), "no file_path"),
        (set_frame(file_path="../secret.png"), "outside its folder"),
        (set_frame(file_path="/etc/hosts.png"), "outside its folder"),
        (set_frame(file_path="images\\..\\..\\secret.png"), "outside its folder"),
        (set_frame(mask_path="../mask.png"), "outside its folder"),
        (set_frame(mask_path=3), "names a file by 3"),
        (set_frame(mask_path="small.png"), "another size than its image of 8x6"),
        (set_frame(file_path="small.png"), "are 8 and 6, its image has 4x4 pixels"),
        (set_frame(file_path="broken.png"), "broken.png is not an image"),
        (set_frame(transform_matrix=None), "transform_matrix of 1.png is not a 4x4"),
        (set_frame(transform_matrix=[[1, 0, 0, 0]] * 4), "does not hold a rotation"),
        (lambda value: [f.update(depth_file_path="images/0.png") for f in value["frames"]], "colour picture"),
        (
            lambda value: [f.update(depth_file_path="object.npy") for f in value["frames"]],
            "could not be read as an npy",
        ),
        (lambda value: [f.update(depth_file_path="text.npy") for f in value["frames"]], "could not be read as an npy"),
        (lambda value: [f.update(depth_file_path="no.npy") for f in value["frames"]], "no.npy is missing"),
        (
            lambda value: [f.update(normal_file_path="flat.npy") for f in value["frames"]],
            "height x width x 3 are needed",
        ),
        (lambda value: [f.update(provenance_file_path="images/0.png") for f in value["frames"]], "codes above 3"),
    ],
)
def test_refuses_folders_that_are_not_in_order(tmp_path, change, sentence):
    folder = write_folder(tmp_path / "views", change)
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(folder / "small.png")
    (folder / "broken.png").write_bytes((folder / "images" / "0.png").read_bytes()[:40])
    np.save(folder / "object.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(folder / "flat.npy", np.zeros((6, 8)))
    (folder / "text.npy").write_text("hello")
    with pytest.raises(BadInput, match=sentence):
        load_views(folder)


def test_refuses_links_that_lead_out(tmp_path):
    folder = write_folder(tmp_path / "views", set_frame(file_path="link.png"))
    (folder / "images" / "1.png").replace(tmp_path / "outside.png")
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    with pytest.raises(BadInput, match="outside its folder"):
        load_views(folder)


def test_refuses_a_folder_without_or_with_a_broken_list(tmp_path):
    with pytest.raises(BadInput, match="could not be read"):
        load_views(tmp_path)
    (tmp_path / "transforms.json").write_text("[1, 2")
    with pytest.raises(BadInput, match="is not JSON"):
        load_views(tmp_path)
    (tmp_path / "transforms.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="is not JSON"):
        load_views(tmp_path)


def test_never_touches_an_existing_folder(tmp_path):
    (tmp_path / "views").mkdir()
    save_views(some_views(), tmp_path / "views")  # empty: fine
    before = sorted(path.name for path in (tmp_path / "views").rglob("*"))
    with pytest.raises(BadInput, match="exists already"):
        save_views(some_views(1), tmp_path / "views")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BadInput, match="exists already"):
        save_views(some_views(1), tmp_path / "file")
    assert sorted(path.name for path in (tmp_path / "views").rglob("*")) == before
    assert (tmp_path / "file").read_text() == "mine"


def test_an_interrupt_leaves_nothing_behind(tmp_path):
    class Stop(Progress):
        def check(self):
            if self.done >= 1:
                raise Interrupted

    with pytest.raises(Interrupted):
        save_views(some_views(), tmp_path / "views", Stop())
    assert not list(tmp_path.iterdir())
    save_views(some_views(), tmp_path / "views")
    with pytest.raises(Interrupted):
        load_views(tmp_path / "views", Stop())


def test_refuses_what_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BadInput, match="could not be written"):
        save_views(some_views(1), tmp_path / "file" / "views")
    with pytest.raises(BadInput, match="no view to save"):
        save_views(some_views(1)[torch.zeros(0, dtype=torch.int64)], tmp_path / "views")
