"""Folders as other people's tools write them, and malformed values in their lists."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from recon_lib.cameras.distortion import Distortion
from recon_lib.errors import BadInput
from recon_lib.views.posed_images import load_views, save_views

WIDTH, HEIGHT, FOCAL = 48, 32, 60.0
EYE = np.eye(4).tolist()


def ramp(width=WIDTH, height=HEIGHT):
    """Red grows to the right, green downwards."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 5, y * 7, x * 0 + 9], -1).astype(np.uint8)


def folder_of(folder, top=None, frames=None, count=2, name="transforms.json", text=json.dumps, save=None):
    (folder / "images").mkdir(parents=True, exist_ok=True)
    made = []
    for i in range(count):
        path = folder / "images" / f"{i}.png"
        (save or (lambda path, i: Image.fromarray(ramp()).save(path)))(path, i)
        made.append({"file_path": f"images/{i}.png", "transform_matrix": EYE, **((frames or (lambda i: {}))(i))})
    top = {"fl_x": FOCAL, "w": WIDTH, "h": HEIGHT} if top is None else top
    content = text({**top, "frames": made})
    path = folder / name
    path.write_bytes(content) if isinstance(content, bytes) else path.write_text(content)
    return folder


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"])
def test_lists_in_the_encodings_that_windows_writes(tmp_path, encoding):
    text = lambda value: json.dumps(value | {"note": "größe"}, ensure_ascii=False).encode(encoding)  # noqa: E731
    assert len(load_views(folder_of(tmp_path, text=text))) == 2


def test_a_list_of_another_name(tmp_path):
    folder_of(tmp_path, name="transforms_test.json", count=1)
    folder_of(tmp_path, name="transforms_train.json")
    assert len(load_views(tmp_path)) == 2
    assert len(load_views(tmp_path / "transforms_test.json")) == 1


# -- sizes and turns ----------------------------------------------------------------------------------------


def turned_by(orientation, method):
    def save(path, i):
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.fromarray(ramp()).transpose(method).save(path, exif=exif)

    return save


SIDEWAYS = turned_by(6, Image.Transpose.ROTATE_90)
PLAIN = {"fl_x": FOCAL, "cx": 20.0, "cy": 14.0, "w": WIDTH, "h": HEIGHT}


def test_photos_turned_by_exif_count_as_the_list_tells_their_size(tmp_path):
    upright = load_views(folder_of(tmp_path / "a", PLAIN, save=SIDEWAYS))
    assert torch.equal(upright.images[0], torch.from_numpy(ramp()).permute(2, 0, 1) / 255)
    assert upright.cameras.intrinsics[0].tolist() == [[FOCAL, 0, 20], [0, FOCAL, 14], [0, 0, 1]]
    lying = {"fl_x": FOCAL, "cx": 14.0, "cy": 20.0, "w": HEIGHT, "h": WIDTH}
    stored = load_views(folder_of(tmp_path / "b", lying, save=SIDEWAYS))
    assert stored.images.shape[-2:] == (WIDTH, HEIGHT)
    half = {"fl_x": 2 * FOCAL, "w": 2 * WIDTH, "h": 2 * HEIGHT}
    assert load_views(folder_of(tmp_path / "c", half, save=SIDEWAYS)).images.shape[-2:] == (HEIGHT, WIDTH)


@pytest.mark.parametrize(
    ("top", "save"),
    [
        ({"fl_x": FOCAL}, SIDEWAYS),
        (PLAIN, turned_by(3, Image.Transpose.ROTATE_180)),
        (PLAIN, turned_by(2, Image.Transpose.FLIP_LEFT_RIGHT)),
    ],
)
def test_turns_that_the_sizes_do_not_settle_are_refused(tmp_path, top, save):
    with pytest.raises(BadInput, match="turned by its EXIF tag"):
        load_views(folder_of(tmp_path, top, save=save))


def test_sizes_that_are_not_the_pictures(tmp_path):
    for save in (None, SIDEWAYS):
        with pytest.raises(BadInput, match="are 48 and 48, its image has 48x32 pixels"):
            load_views(folder_of(tmp_path, {"fl_x": FOCAL, "w": 48, "h": 48}, save=save))


def test_portrait_beside_landscape_is_padded(tmp_path, caplog):
    def save(path, i):
        Image.fromarray(ramp() if i else ramp(HEIGHT, WIDTH)).save(path)

    sizes = [{"w": HEIGHT, "h": WIDTH}, {"w": WIDTH, "h": HEIGHT}]
    with caplog.at_level("INFO", "recon3d"):
        views = load_views(folder_of(tmp_path, {"fl_x": FOCAL}, lambda i: sizes[i], save=save))
    assert views.images.shape == (2, 3, WIDTH, WIDTH)
    assert views.masks.mean((1, 2, 3)).tolist() == pytest.approx([2 / 3, 2 / 3])
    assert views.masks[0, 0, :, HEIGHT:].max() == 0
    assert views.images[0, :, :, HEIGHT:].min() == 1
    assert torch.equal(views.images[1, :, :HEIGHT], torch.from_numpy(ramp()).permute(2, 0, 1) / 255)
    assert views.cameras.intrinsics[:, 0, 2].tolist() == [HEIGHT / 2, WIDTH / 2]
    assert "padded to 48x48" in caplog.text
    assert "reaches the edge" in caplog.text


# -- pictures and masks -------------------------------------------------------------------------------------


def test_deep_grey_pictures(tmp_path):
    def save(path, i):
        Image.fromarray(np.full((HEIGHT, WIDTH), 13107, np.uint16)).save(path)

    assert load_views(folder_of(tmp_path, save=save)).images.unique().tolist() == pytest.approx([0.2])


def test_values_that_are_no_picture(tmp_path):
    def save(path, i):
        Image.fromarray(np.full((HEIGHT, WIDTH), 200, np.float32)).save(path, format="TIFF")

    with pytest.raises(BadInput, match="values far outside 0 to 1"):
        load_views(folder_of(tmp_path, save=save))


def test_masks_of_two_values_and_of_another_size(tmp_path):
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[8:24, 12:36] = 1
    (tmp_path / "masks").mkdir()
    Image.fromarray(mask).save(tmp_path / "masks" / "0.png")
    np.save(tmp_path / "masks" / "1.npy", mask[::2, ::2] > 0)
    views = load_views(folder_of(tmp_path, frames=lambda i: {"mask_path": f"masks/{i}"}))
    assert torch.equal(views.masks[0, 0], torch.from_numpy(mask).float())
    assert (views.masks[1, 0] > 0.5).float().mean() == pytest.approx(0.25, abs=0.03)


def test_layers_of_a_reduced_size_keep_their_values(tmp_path):
    Image.fromarray(np.full((HEIGHT // 2, WIDTH // 2), 2, np.uint8)).save(tmp_path / "codes.png")
    Image.fromarray(np.full((HEIGHT, WIDTH, 3), 1, np.uint8)).save(tmp_path / "color_codes.png")
    np.save(tmp_path / "depth.npy", np.array([[1000.0, 2000.0, 3000.0], [1000.0, 2000.0, 3000.0]]))
    layers = {"depth_file_path": "depth.npy"}
    views = load_views(folder_of(tmp_path, frames=lambda i: layers | {"provenance_file_path": "codes.png"}))
    assert views.depth.unique().tolist() == pytest.approx([1, 2, 3])
    assert views.provenance.unique().tolist() == [2]
    views = load_views(folder_of(tmp_path, frames=lambda i: {"provenance_file_path": "color_codes.png"}))
    assert views.provenance.unique().tolist() == [1]


# -- lenses and poses ---------------------------------------------------------------------------------------


def test_distorted_pictures_become_pinhole_pictures(tmp_path):
    lens = Distortion("brown", (0.3, 0.0, 0.0, 0.0, 0.0, 0.0))
    y, x = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing="ij")
    seen = torch.stack([(x - WIDTH / 2) / FOCAL, (y - HEIGHT / 2) / FOCAL], -1).double()
    points = seen.clone()
    for _ in range(60):
        points -= 0.5 * (lens.distort(points) - seen)
    shown = (points[..., 0] * FOCAL + WIDTH / 2).clamp(0, 48).mul(5).round().byte().numpy()

    def save(path, i):
        Image.fromarray(np.dstack([shown] * 3)).save(path)

    codes = np.full((HEIGHT, WIDTH), 1, np.uint8)
    (tmp_path / "images").mkdir()
    Image.fromarray(codes).save(tmp_path / "codes.png")
    top = {"fl_x": FOCAL, "k1": 0.3, "camera_model": "SIMPLE_RADIAL"}
    views = load_views(folder_of(tmp_path, top, lambda i: {"provenance_file_path": "codes.png"}, save=save))
    straight = torch.arange(WIDTH).add(0.5).mul(5 / 255)
    assert torch.allclose(views.images[0, 0, 4:-4, 4:-4], straight[4:-4].expand(HEIGHT - 8, -1), atol=0.012)
    assert views.masks[0, 0, 0, 0] == 0  # not seen
    assert views.masks[0, 0, 5:-5, 5:-5].min() > 0.999
    assert views.provenance.unique().tolist() == [0, 1]


def test_a_distortion_that_no_pixel_shows_is_none(tmp_path):
    plain = load_views(folder_of(tmp_path / "a"))
    tiny = load_views(folder_of(tmp_path / "b", {"fl_x": FOCAL, "w": WIDTH, "h": HEIGHT, "k1": 1e-7}))
    assert torch.equal(tiny.images, plain.images)
    assert torch.equal(tiny.masks, plain.masks)


def test_poses_far_from_the_origin_count_from_a_nearer_one(tmp_path, caplog):
    def frames(i):
        pose = np.eye(4)
        pose[:3, 3] = 446_000.125 + i, 5_540_000.25, 311.5
        return {"transform_matrix": pose.tolist()}

    with caplog.at_level("INFO", "recon3d"):
        views = load_views(folder_of(tmp_path / "a", frames=frames))
    moved = views.cameras.position.double() + torch.tensor(views.origin, dtype=torch.float64)
    assert moved.tolist() == [[446_000.125 + i, 5_540_000.25, 311.5] for i in range(2)]
    assert "far from the origin" in caplog.text
    assert views[1:].origin == views.origin
    save_views(views, tmp_path / "b")
    frames = json.loads((tmp_path / "b" / "transforms.json").read_text())["frames"]
    assert frames[1]["transform_matrix"][0][3] == 446_001.125
    near = load_views(folder_of(tmp_path / "c"))
    assert near.origin == (0, 0, 0)
    with pytest.raises(BadInput, match="different origins"):
        type(views).cat([views, near])


@pytest.mark.parametrize("shape", [(3, 4), (12,), (16,)])
def test_poses_of_other_shapes(tmp_path, shape):
    pose = np.eye(4)
    pose[0, 3] = 2
    flat = pose.reshape(-1)[: math.prod(shape)].reshape(shape).tolist()
    views = load_views(folder_of(tmp_path, frames=lambda i: {"transform_matrix": flat}))
    assert views.cameras.position.tolist() == [[2, 0, 0]] * 2


DEEP = "[" * 100_000 + "]" * 100_000
MALFORMED = {
    "deep": ('{"frames": ' + DEEP + "}", "nested too deeply"),
    "400 digits": ('{"w": ' + "9" * 400 + "}", "w and h of 0.png"),
    "infinite": ('{"w": 1e999, "h": 32}', "w and h of 0.png"),
    "NaN": ('{"fl_x": NaN}', "fl_x of 0.png is nan"),
    "text": ('{"fl_x": "60"}', "fl_x of 0.png is '60'"),
    "a list": ('{"fl_x": [[[[1]]]]}', "fl_x of 0.png"),
    "an object": ('{"fl_x": {"a": 1}}', "fl_x of 0.png"),
    "zeros": ('{"fl_x": null, "K": [[0,0,0],[0,0,0],[0,0,0]]}', "does not end in 0, 0, 1"),
    "unit": ('{"depth_unit_scale_factor": "x"}', "depth_unit_scale_factor"),
    "model": ('{"camera_model": ["OPENCV"]}', "cameramodel"),
    "far": ('{"transform_matrix": [[1,0,0,1e300],[0,1,0,0],[0,0,1,0],[0,0,0,1]]}', "lies beyond"),
    "long number": (
        '{"transform_matrix": [[1,0,0,' + "9" * 400 + "],[0,1,0,0],[0,0,1,0],[0,0,0,1]]}",
        "transform_matrix of 0.png is not a 4x4",
    ),
    "text in a pose": ('{"transform_matrix": [["a"]]}', "transform_matrix of 0.png is not a 4x4"),
    "name": ('{"file_path": "' + "x" * 300 + '"}', "255"),
    "NUL": ('{"file_path": "a\\u0000.png"}', "NUL"),
    "surrogate": ('{"mask_path": "\\ud800.png"}', "NUL"),
    "no text": ('{"mask_path": {"a": 1}}', "names a file by"),
}


@pytest.mark.parametrize("case", MALFORMED)
@pytest.mark.parametrize("where", ["top", "frame"])
def test_malformed_values_are_a_sentence(tmp_path, case, where):
    text, sentence = MALFORMED[case]

    def write(value):
        if case == "deep":
            return text
        bad = json.loads(text)
        if where == "frame":
            value["frames"][0].update(bad)
        else:
            value = {**value, "frames": [{k: v for k, v in f.items() if k not in bad} for f in value["frames"]], **bad}
        return json.dumps(value)

    with pytest.raises(BadInput, match=sentence) as caught:
        load_views(folder_of(tmp_path, text=write))
    assert len(str(caught.value)) < 600
    assert "\n" not in str(caught.value)


KEYS = (
    "fl_x", "fl_y", "fx", "cx", "cy", "w", "h", "width", "K", "k", "intrinsics", "camera_angle_x", "camera_angle_y",
    "x_fov", "fov_x", "focal_length", "sensor_width", "principal_point", "resolution", "k1", "k4", "k6", "p1",
    "dist_coeffs", "distortion_params", "distortion", "camera_model", "lens", "model", "camera", "is_fisheye", "ortho",
    "transform_matrix", "file_path", "mask_path", "depth_file_path", "normal_file_path", "provenance_file_path",
    "depth_unit_scale_factor", "frames",
)  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.sampled_from(["", " ", "60", "\ud800", "a\0", "images/0.png", "../x", "OPENCV_FISHEYE", EYE]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["data", "fx", "k1"]), inner, max_size=2)
    ),
    max_leaves=9,
)
CHANGES = st.lists(st.tuples(st.booleans(), st.sampled_from(KEYS), VALUES), min_size=1, max_size=3)


@pytest.fixture(scope="module")
def good_folder(tmp_path_factory):
    return folder_of(tmp_path_factory.mktemp("views"))


def loaded_or_told(folder, changes):
    """Views of finite numbers, or one sentence, for a list with values that were changed at the top or in a frame."""
    frames = [{"file_path": f"images/{i}.png", "transform_matrix": EYE} for i in range(2)]
    top = {"fl_x": FOCAL, "w": WIDTH, "h": HEIGHT, "frames": frames}
    for at_top, key, value in changes:
        (top if at_top else frames[0])[key] = value
    (folder / "transforms.json").write_text(json.dumps(top))
    try:
        views, told = load_views(folder), "Read."
    except BadInput as error:
        views, told = None, str(error)
    assert told.endswith(".") and "\n" not in told and len(told) < 700
    if views is None:
        return
    for part in (views.images, views.masks, views.cameras.intrinsics, views.cameras.camera_to_world):
        assert torch.isfinite(part).all()


@given(changes=CHANGES)
@settings(max_examples=150, deadline=None)
def test_any_value_anywhere_is_read_or_told(good_folder, changes):
    loaded_or_told(good_folder, changes)


@pytest.mark.slow
@given(changes=CHANGES)
@settings(max_examples=10_000, derandomize=False, deadline=None)
def test_any_value_anywhere_at_length(good_folder, changes):
    loaded_or_told(good_folder, changes)


# -- memory -------------------------------------------------------------------------------------------------


def test_pictures_are_reduced_while_they_are_read(tmp_path):
    views = load_views(folder_of(tmp_path), longest_side=24)
    assert views.images.shape[-2:] == (16, 24)
    assert views.cameras.intrinsics[0].tolist() == [[FOCAL / 2, 0, 12], [0, FOCAL / 2, 8], [0, 0, 1]]
    assert views.images[0, 0, 8, 12] == pytest.approx(24.5 * 5 / 255, abs=0.01)
    assert load_views(tmp_path, longest_side=1000).images.shape[-2:] == (HEIGHT, WIDTH)


def test_views_stay_below_a_limit(tmp_path, caplog):
    folder_of(tmp_path, count=8)
    views = load_views(tmp_path, max_bytes=60_000)
    assert views.images.shape[-2:] == (17, 26)
    assert 8 * 16 * 17 * 26 <= 60_000
    assert "reduced to 26 pixels" in caplog.text
    with pytest.raises(BadInput, match="8 pictures are too many"):
        load_views(tmp_path, max_bytes=1000)
