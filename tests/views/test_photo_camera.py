import json
import math

import pytest
import torch
from PIL import Image

from recon_lib.errors import BadInput
from recon_lib.views.photo_camera import camera_from_fov, exif_camera, read_photo_camera

BLOCK = 0x8769


def photo(folder, tags, size=(400, 300), orientation=1):
    path = folder / "photo.jpg"
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif.get_ifd(BLOCK).update(tags)
    Image.new("RGB", size, (90, 80, 70)).save(path, exif=exif)
    return path


class TestExifCamera:
    def test_equivalent_focal_length_is_by_the_diagonal(self, tmp_path):
        path = photo(tmp_path, {0xA405: 50, 0xA002: 4000, 0xA003: 3000})
        camera = exif_camera(path, 150, 200)
        assert camera is not None
        assert float(camera.intrinsics[0, 0, 0]) == pytest.approx(50 / 43.267 * 250, rel=1e-4)
        assert camera.intrinsics[0, :2, 2].tolist() == [100, 75]

    def test_a_turned_photo_keeps_its_focal_length(self, tmp_path):
        path = photo(tmp_path, {0xA405: 50}, orientation=6)
        camera = exif_camera(path, 400, 300)
        assert camera is not None
        assert float(camera.intrinsics[0, 0, 0]) == pytest.approx(50 / 43.267 * 500, rel=1e-4)

    def test_focal_length_with_the_sensors_resolution(self, tmp_path):
        tags = {0x920A: 25.0, 0xA20E: 4000 / 36, 0xA210: 4, 0xA002: 4000, 0xA003: 3000}
        camera = exif_camera(photo(tmp_path, tags), 300, 400)
        assert camera is not None
        assert float(camera.intrinsics[0, 0, 0]) == pytest.approx(400 * 25 / 36, rel=1e-3)

    @pytest.mark.parametrize(
        ("tags", "size"),
        [
            ({}, (400, 300)),
            ({0x920A: 25.0}, (400, 300)),  # of an unknown sensor
            ({0xA405: 50, 0xA002: 4000, 0xA003: 3000}, (300, 300)),  # cropped since
            ({0xA405: 50}, (400, 130)),  # no camera has such sides
            ({0xA405: 0}, (400, 300)),
            ({0xA405: 9000}, (400, 300)),
        ],
    )
    def test_nothing_is_known_of_other_photos(self, tmp_path, tags, size):
        assert exif_camera(photo(tmp_path, tags, size), size[1], size[0]) is None

    def test_of_a_photo_that_was_cropped_after_reading(self, tmp_path):
        path = photo(tmp_path, {0xA405: 50})
        assert exif_camera(path, 300, 300) is None


class TestReadPhotoCamera:
    def read(self, tmp_path, value, height=300, width=400):
        path = tmp_path / "camera.json"
        path.write_text(json.dumps(value))
        return read_photo_camera(path, height, width)

    def test_pose_and_size_may_be_missing(self, tmp_path):
        camera = self.read(tmp_path, {"fov": 40})
        assert (camera.height, camera.width) == (300, 400)
        assert float(camera.vertical_fov) == pytest.approx(40, rel=1e-5)

    def test_the_camera_of_a_report_at_its_own_size(self, tmp_path):
        lens = [[500.0, 0, 100], [0, 500, 75], [0, 0, 1]]
        pose = torch.eye(4).tolist()
        report = {"camera": {"camera_to_world": pose, "intrinsics": lens, "height": 150, "width": 200}, "seed": 0}
        camera = self.read(tmp_path, report)
        assert (camera.height, camera.width) == (150, 200)
        assert camera.intrinsics[0].tolist() == lens

    def test_intrinsics_of_a_picture_of_side_one(self, tmp_path):
        camera = self.read(tmp_path, {"intrinsics": [[0.9, 0, 0.5], [0, 1.2, 0.5], [0, 0, 1]]})
        torch.testing.assert_close(camera.intrinsics[0, :2, 2], torch.tensor([200.0, 150.0]))
        torch.testing.assert_close(camera.intrinsics[0].diagonal()[:2], torch.tensor([360.0, 360.0]))

    @pytest.mark.parametrize("value", [[], {}, {"camera": 3}, {"intrinsics": "wide"}, {"fov": 400}])
    def test_what_is_no_camera_is_told(self, tmp_path, value):
        with pytest.raises(BadInput):
            self.read(tmp_path, value)


def test_camera_from_fov():
    camera = camera_from_fov(90.0, 100, 200)
    assert float(camera.intrinsics[0, 1, 1]) == pytest.approx(50 / math.tan(math.radians(45)))
    assert camera.intrinsics[0, :2, 2].tolist() == [100, 50]


@pytest.mark.parametrize("degrees", [1e-9, 0.0, -30.0, 179.9999, math.nan])
def test_fields_of_view_that_no_lens_has(degrees):
    with pytest.raises(BadInput, match="Field of view"):
        camera_from_fov(degrees, 48, 64)


def test_a_centre_far_beside_the_photo(tmp_path):
    (tmp_path / "c.json").write_text('{"fl_x": 60, "cx": 1e6}')
    with pytest.raises(BadInput, match=r"centre of the camera in c\.json"):
        read_photo_camera(tmp_path / "c.json", 48, 64)
