"""What the coarse search compares, and the poses that it makes of it."""

import math
from dataclasses import replace

import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.render.mesh import render_mesh
from recon_lib.stages.posing.onto_photo.adjust import with_focal
from recon_lib.stages.posing.onto_photo.looks import color_features, relit
from recon_lib.stages.posing.onto_photo.search import Moments, angle, posed, viewpoints
from recon_lib.stages.posing.onto_photo.target import Photo
from recon_lib.views.views import Views
from tests.helpers.shapes import box


def disc(side, x, y, radius):
    at = torch.arange(side) + 0.5
    return (((at[:, None] - y) ** 2 + (at[None] - x) ** 2) < radius**2).float()[None, None]


def test_moments_of_a_disc():
    """Root mean square radius of a disc: r / sqrt 2."""
    found = Moments.of(disc(100, 40.0, 55.0, 20.0))
    torch.testing.assert_close(found.center, torch.tensor([[40.0, 55.0]]), atol=0.05, rtol=0)
    torch.testing.assert_close(found.radius, torch.tensor([20 / 2**0.5]), atol=0.1, rtol=0)


def test_silhouettes_are_brought_to_one_place_and_size():
    masks = [disc(100, 40.0, 55.0, 20.0), disc(100, 70.0, 30.0, 8.0)]
    brought = [Moments.of(mask).brought(mask) for mask in masks]
    assert float((brought[0] - brought[1]).abs().mean()) < 0.02


def test_a_pose_from_a_viewpoint_shows_the_model_where_the_mask_is():
    """The photo is what viewpoint 17 sees, rolled, off the middle: the pose made of both is the photo's own."""
    mesh = box((0.7, 0.4, 0.2))
    around = viewpoints(60, 30.0)
    seen = around[17]
    roll = math.radians(40)
    cos, sin = math.cos(roll), math.sin(roll)
    turn = torch.tensor([[cos, sin, 0.0], [-sin, cos, 0], [0, 0, 1]])
    pose = seen.camera_to_world.clone()
    pose[0, :3, :3] = seen.rotation[0] @ turn.T
    camera = Cameras(pose, seen.intrinsics, seen.height, seen.width).resized(256, 256).cropped(-60, 30, 256, 256)
    photo = render_mesh(mesh, camera)
    target = Photo.of(Views(photo.images, camera, (photo.masks > 0.5).float())).at(64)
    shown = render_mesh(mesh, around, supersample=1).masks
    found = posed(target, Moments.of(target.looks.mask), around, Moments.of(shown), 17, roll)
    assert angle(found.rotation[0], camera.rotation[0]) < 3
    again = (render_mesh(mesh, found).masks > 0.5).float()
    mask = (target.looks.mask > 0.5).float()
    assert float((again * mask).sum() / (again + mask).clamp_max(1).sum()) > 0.93


def test_another_lens_keeps_size_and_place():
    camera = Cameras.orbit(30.0, 20.0, 4.0, 40.0, 100, 100).cropped(10, -5, 100, 100)
    zoomed = with_focal(camera, 2 * float(camera.intrinsics[0, 1, 1]))
    middle = torch.zeros(1, 3)
    torch.testing.assert_close(zoomed.project(middle)[0], camera.project(middle)[0], atol=1e-3, rtol=0)
    up = camera.rotation[0, :, 1][None] * 0.01
    sizes = [float((c.project(up)[0] - c.project(middle)[0]).norm()) for c in (camera, zoomed)]
    assert abs(sizes[1] / sizes[0] - 1) < 1e-3


def test_shading_leaves_chroma_and_light_is_found():
    """Albedo under light a + b . n, lit again from the albedo alone."""
    from recon_lib.color_space import linear_to_srgb, srgb_to_linear

    generator = torch.Generator().manual_seed(0)
    albedo = 0.2 + 0.6 * torch.rand(1, 3, 40, 40, generator=generator)
    normals = torch.nn.functional.normalize(torch.randn(1, 3, 40, 40, generator=generator), dim=1)
    light = 0.6 + 0.3 * normals[:, 1:2]
    photo = linear_to_srgb(srgb_to_linear(albedo) * light)
    mask = torch.ones(1, 1, 40, 40)
    torch.testing.assert_close(relit(albedo, normals, photo, mask), photo, atol=0.02, rtol=0)
    flat = replace_luminance(albedo)
    features = [color_features(image, mask)[:, 1:3] for image in (flat, 0.8 * flat)]
    assert float((features[0] - features[1]).abs().mean()) < 0.1 * float(features[0].abs().mean())


def replace_luminance(image):
    """The picture brightened evenly, so that the constant in chroma's denominator hardly counts."""
    return (image * 1.2).clamp(0, 1)


def test_a_photo_with_normals_keeps_them_in_the_crop():
    mesh = box()
    camera = Cameras.orbit(30.0, 20.0, 4.0, 40.0, 96, 96)
    shown = render_mesh(mesh, camera)
    view = Views(shown.images, camera, (shown.masks > 0.5).float(), normals=shown.normals)
    normals = Photo.of(view).at(48).looks.normals
    length = normals.norm(dim=1)
    assert ((length < 1e-3) | ((length - 1).abs() < 1e-3)).all() and (length > 0.5).any()
    assert Photo.of(replace(view, normals=None)).at(48).looks.normals is None
