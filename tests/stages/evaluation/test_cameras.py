import math

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.meshes.align import Similarity
from recon_lib.stages.evaluation.cameras import align_cameras, camera_errors, looked_at, transformed
from recon_lib.stages.posing.increments import moved

TRUTH = Cameras.orbit([0.0, 60, 120, 180, 240, 300], [10.0, 30, -5, 20, 40, 0], 3.0, 40.0, 64, 64)


def similarity() -> Similarity:
    turn = Cameras.orbit(40.0, 25.0).rotation[0].double()
    return Similarity(0.3, turn, torch.tensor([5.0, -2.0, 1.0], dtype=torch.float64))


def test_a_similarity_is_no_error():
    errors = camera_errors(transformed(TRUTH, similarity()), TRUTH)
    assert float(errors.rotation.max()) < 0.01 and float(errors.position.max()) < 0.01
    assert float(errors.focal.max()) < 1e-3


@pytest.mark.parametrize("count", [2, 3])
def test_few_cameras_align_too(count):
    errors = camera_errors(transformed(TRUTH[:count], similarity()), TRUTH[:count])
    assert float(errors.rotation.max()) < 0.01 and float(errors.position.max()) < 0.01


def test_alignment_is_the_similarity_itself():
    found = align_cameras(TRUTH, transformed(TRUTH, similarity()))
    torch.testing.assert_close(found.matrix, similarity().matrix, atol=1e-5, rtol=0)


def test_errors_are_degrees_and_per_cent_of_the_distance():
    many = Cameras.orbit(torch.arange(0, 360, 6.0).tolist(), 20.0, 3.0, 40.0, 64, 64)
    step = torch.zeros(len(many), 7)
    step[7, 2] = math.radians(5)
    assert float(camera_errors(moved(many, step), many).rotation[7]) == pytest.approx(5, abs=0.2)
    step = torch.zeros(len(many), 7)
    step[7, 0 + 3] = 0.15
    assert float(camera_errors(moved(many, step), many).position[7]) == pytest.approx(5, abs=0.3)
    step = torch.full((len(many), 7), 0.0)
    step[:, 6] = math.log(1.1)
    assert float(camera_errors(moved(many, step), many).focal.mean()) == pytest.approx(10, abs=0.01)


def test_what_is_looked_at():
    torch.testing.assert_close(looked_at(TRUTH), torch.zeros(3), atol=1e-5, rtol=0)


def test_numbers_must_agree():
    with pytest.raises(BadInput, match="6 cameras cannot be compared with 5"):
        camera_errors(TRUTH, TRUTH[:5])
    with pytest.raises(BadInput, match="two or more"):
        camera_errors(TRUTH[:1], TRUTH[:1])
    with pytest.raises(BadInput, match="one spot"):
        camera_errors(TRUTH[torch.tensor([0, 0, 0])], TRUTH[:3])
