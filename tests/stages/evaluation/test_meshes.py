import json
import math
from dataclasses import replace

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput, Interrupted
from recon_lib.meshes.mesh import Mesh
from recon_lib.progress import Progress
from recon_lib.stages.evaluation.meshes import COOL_TO_WARM, alignment, compare_meshes, error_colors, error_mesh
from tests.helpers.turns import rotation_about

SAMPLES = 10_000
FLOOR = 0.5 * math.sqrt(4 * math.pi / SAMPLES)  # 0.018 on the unit sphere


def sphere(radius=1.0, subdivisions=4):
    from trimesh.creation import icosphere

    shape = icosphere(subdivisions, radius)
    return Mesh(torch.tensor(shape.vertices).float(), torch.tensor(shape.faces))


def box(size=(2.0, 2.0, 2.0)):
    from trimesh.creation import box as make

    shape = make(size)
    return Mesh(torch.tensor(shape.vertices).float(), torch.tensor(shape.faces))


def half(mesh, keep):
    return Mesh(mesh.vertices, mesh.faces[keep(mesh.triangles.mean(1))])


def test_equal_meshes_keep_only_the_sampling_floor():
    figures = compare_meshes(sphere(), sphere(), samples=SAMPLES)
    assert figures["sampling_floor"] == pytest.approx(FLOOR, rel=2e-3)
    assert figures["chamfer_unsquared"] == pytest.approx(FLOOR, rel=0.02)
    assert figures["chamfer_squared"] == pytest.approx(FLOOR**2 * 4 / math.pi, rel=0.03)  # Rayleigh distances
    near = 1 - math.exp(-SAMPLES / (4 * math.pi) * math.pi * 0.05**2)  # any of the samples within 0.05
    assert figures["f_score_0.05"] == pytest.approx(near, abs=1e-3)
    assert figures["normal_consistency"] == pytest.approx(1, abs=1e-3)
    assert figures["volumetric_iou"] == 1
    assert figures["bounding_sphere_radius"] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("gap", [0.07, 0.2])
def test_concentric_spheres(gap):
    figures = compare_meshes(sphere(1 - gap), sphere(), samples=SAMPLES)
    assert figures["chamfer_unsquared"] == pytest.approx(math.hypot(gap, FLOOR), rel=0.02)
    assert figures["volumetric_iou"] == pytest.approx((1 - gap) ** 3, abs=1e-3)
    assert figures["f_score_0.05"] == 0
    assert figures["f_score_0.1"] == pytest.approx(1.0 if gap < 0.09 else 0.0, abs=0.01)


def test_thresholds_scale_with_the_truth():
    small, large = (compare_meshes(sphere(0.93 * s), sphere(s), samples=5000) for s in (1.0, 50.0))
    assert large["f_score_0.1"] == pytest.approx(small["f_score_0.1"], abs=1e-3)
    assert large["chamfer_unsquared"] == pytest.approx(50 * small["chamfer_unsquared"], rel=1e-3)


def test_what_is_missing_and_what_is_superfluous_are_told_apart():
    upper = half(sphere(), lambda centre: centre[:, 1] > 0)
    missing = compare_meshes(upper, sphere(), samples=SAMPLES)
    superfluous = compare_meshes(sphere(), upper, samples=SAMPLES)
    assert missing["predicted_to_truth"] < 1.1 * FLOOR
    assert superfluous["truth_to_predicted"] < 1.1 * FLOOR
    assert superfluous["predicted_to_truth"] == pytest.approx(missing["truth_to_predicted"], rel=0.05)
    # a lower-hemisphere point at angle t from the pole is 2 sin((pi/2 - t)/2) from the rim; weighed by sin t over
    # the hemisphere that is 4 (sqrt 2 - 1) / 3 = 0.55, over the whole sphere half of it
    assert missing["truth_to_predicted"] == pytest.approx(2 * (math.sqrt(2) - 1) / 3, rel=0.06)
    assert missing["volumetric_iou"] is None
    assert missing["volumetric_iou_reason"] == "The predicted mesh is not closed."
    both = compare_meshes(upper, upper, samples=SAMPLES)
    assert both["volumetric_iou_reason"] == "The predicted mesh and the truth are not closed."


def test_the_split_by_what_a_camera_sees():
    """A front half that is right and a back that is missing: all the error is in the unseen part."""
    front = half(sphere(), lambda centre: centre[:, 2] > -0.02)
    camera = Cameras.orbit(0, 0, 4.0, fov=60)
    figures = compare_meshes(front, sphere(), camera=camera, samples=SAMPLES)
    seen, unseen = figures["seen"], figures["unseen"]
    assert seen["share_of_truth"] == pytest.approx((1 - 1 / 4) / 2, abs=0.02)  # the cap of a sphere at distance 4
    assert seen["share_of_truth"] + unseen["share_of_truth"] == pytest.approx(1)
    assert seen["f_score_0.05"] > 0.995
    assert seen["chamfer_unsquared"] < 1.1 * FLOOR
    assert unseen["truth_to_predicted"] > 0.3
    assert unseen["predicted_to_truth"] < 1.1 * FLOOR
    whole = sum(part["truth_to_predicted"] * part["share_of_truth"] for part in (seen, unseen))
    assert whole == pytest.approx(figures["truth_to_predicted"])


def test_a_camera_of_a_far_mesh_stands_in_the_files_coordinates():
    camera = Cameras.orbit(30.0, 20.0)
    near = compare_meshes(sphere(0.9), sphere(), camera=camera, samples=2000)
    origin = (4096.0, -8192.0, 512.0)
    far = [replace(sphere(radius), origin=origin) for radius in (0.9, 1.0)]
    pose = camera.camera_to_world.clone()
    pose[:, :3, 3] += torch.tensor(origin)
    figures = compare_meshes(*far, camera=replace(camera, camera_to_world=pose), samples=2000)
    assert figures["seen"]["share_of_truth"] == pytest.approx(near["seen"]["share_of_truth"], abs=0.005)


def test_two_cameras_see_together():
    camera = Cameras.orbit([0.0, 180.0], 0, 4.0, fov=60)
    figures = compare_meshes(sphere(), sphere(), camera=camera, samples=5000)
    assert figures["seen"]["share_of_truth"] == pytest.approx(0.75, abs=0.02)


def test_a_camera_that_misses_sees_nothing():
    camera = Cameras.orbit(0, 0, 4.0, fov=60, height=100, width=100).cropped(-300, 0, 50, 100)
    figures = compare_meshes(sphere(), sphere(), camera=camera, samples=5000)
    assert figures["seen"]["share_of_truth"] == 0
    assert figures["seen"]["chamfer_unsquared"] is None
    assert figures["unseen"]["chamfer_unsquared"] == figures["chamfer_unsquared"]


def test_alignment_undoes_what_it_may_and_no_more():
    truth = box((2.0, 1.0, 0.6))
    moved = truth.mapped(lambda x: x * 2 + 3)
    turned = truth.mapped(lambda x: x @ rotation_about((0, 1, 0), 70).float().mT * 2 + 3)
    floor = compare_meshes(truth, truth, samples=SAMPLES)["chamfer_unsquared"]
    assert compare_meshes(moved, truth, samples=SAMPLES)["chamfer_unsquared"] > 3
    for align, mesh in (("scale", moved), ("similarity", turned)):
        figures = compare_meshes(mesh, truth, align=align, samples=SAMPLES)
        assert figures["chamfer_unsquared"] < 1.3 * floor
        assert figures["volumetric_iou"] > 0.95
    assert compare_meshes(turned, truth, align="scale", samples=SAMPLES)["chamfer_unsquared"] > 5 * floor
    assert alignment(moved, truth, "none").matrix.tolist() == torch.eye(4).tolist()


def test_the_answer_is_plain_json_and_depends_on_the_seed_alone():
    camera = Cameras.orbit(0, 0, 4.0)
    first, second, other = (
        compare_meshes(box(), sphere(subdivisions=2), align="scale", camera=camera, samples=2000, seed=seed)
        for seed in (1, 1, 2)
    )
    assert json.loads(json.dumps(first, allow_nan=False)) == second
    assert first["chamfer_unsquared"] != other["chamfer_unsquared"]
    alignment(box(), sphere(), "scale", seed=2**64 - 1)  # ComfyUI's largest seed


def test_inputs_stay_as_they_are():
    predicted, truth = box(), sphere(subdivisions=2)
    before = predicted.vertices.clone(), truth.vertices.clone()
    compare_meshes(predicted, truth, align="scale", samples=3000)
    error_mesh(predicted, truth, align="scale", samples=3000)
    assert torch.equal(predicted.vertices, before[0])
    assert torch.equal(truth.vertices, before[1])


def test_error_colors_run_from_blue_over_white_to_red():
    colors = error_colors(torch.tensor([-1.0, 0.0, 0.5, 1.0, 9.0]))
    assert torch.allclose(colors, COOL_TO_WARM[[0, 0, 2, 4, 4]])
    blue, red = error_colors(torch.tensor([0.2, 0.8]))
    assert blue[2] > blue[0]
    assert red[0] > red[2]


def test_the_error_mesh_shows_where_it_is_wrong():
    truth = sphere()
    dented = truth.mapped(lambda x: torch.where(x[:, :1] > 0.5, x * 0.8, x))
    shown = error_mesh(dented, truth, samples=SAMPLES)
    wrong = dented.vertices.norm(dim=-1) < 0.9
    assert torch.allclose(shown.vertex_colors[wrong], COOL_TO_WARM[-1].expand(int(wrong.sum()), 3))
    right = shown.vertex_colors[~wrong]
    assert (right[:, 2] > right[:, 0]).double().mean() > 0.99
    assert torch.equal(shown.faces, dented.faces)
    wider = error_mesh(dented, truth, limit=0.4, samples=SAMPLES).vertex_colors[wrong]
    assert torch.allclose(wider, torch.full_like(wider, 0.87), atol=0.05)  # half of the limit is white


def test_texture_does_not_hide_the_colours():
    truth = sphere(subdivisions=1)
    textured = Mesh(truth.vertices, truth.faces, uvs=torch.zeros(len(truth.vertices), 2), texture=torch.zeros(3, 4, 4))
    shown = error_mesh(textured, truth, samples=1000)
    assert shown.texture is None
    assert shown.uvs is None


def test_the_user_can_interrupt():
    class Stop(Progress):
        def check(self):
            if self.done >= 2:
                raise Interrupted

    with pytest.raises(Interrupted):
        compare_meshes(sphere(), sphere(), samples=1000, progress=Stop())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"align": "affine"}, "Alignment 'affine' is unknown"),
        ({"samples": 10}, "10 samples are too few"),
        ({"predicted": Mesh(torch.zeros(3, 3), torch.tensor([[0, 1, 2]]))}, "predicted mesh has no surface"),
        ({"truth": Mesh(torch.zeros(0, 3), torch.zeros(0, 3, dtype=torch.int64))}, "truth has no surface"),
        ({"camera": Cameras.orbit(0, 0, 0.5)}, "behind the camera"),
        ({"truth": sphere().mapped(lambda v: v * 1e30)}, "truth reaches beyond 1e\\+09 units"),
        ({"predicted": sphere().mapped(lambda v: v + 2e9)}, "predicted mesh reaches beyond"),
    ],
)
def test_refuses_what_cannot_be_compared(change, sentence):
    with pytest.raises(BadInput, match=sentence):
        compare_meshes(**({"predicted": sphere(), "truth": sphere(), "samples": 1000} | change))


def test_refuses_a_limit_of_nothing():
    with pytest.raises(BadInput, match="colour limit is 0"):
        error_mesh(sphere(), sphere(), limit=0)
