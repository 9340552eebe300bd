"""The ray renderer on fields whose pictures have closed forms."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput, Interrupted
from recon_lib.fields.field import DistanceField, Field, Radiance, RadianceField
from recon_lib.render.rays import RayBundle, RaySamples, SampleRadiance, composite, render_image, render_rays
from recon_lib.render.stratified import StratifiedSampler
from tests.helpers.radiance import Ball, DistanceSolid, GaussianFog, Triplane

FINE = StratifiedSampler(2000)


def along_z(miss: Tensor) -> RayBundle:
    """Rays along +z that pass the origin at these distances."""
    origins = torch.stack([miss, torch.zeros_like(miss), torch.full_like(miss, -3.0)], -1)
    return RayBundle(origins, torch.tensor([0.0, 0, 1]).expand_as(origins))


MISS = torch.tensor([0.0, 0.2, 0.4, 0.6, 2.0])


def test_points_along_rays():
    rays = along_z(MISS)
    assert torch.equal(rays.at(torch.full((5, 2), 3.0))[:, 1], rays.at(torch.full((5,), 3.0)))
    assert rays[1:3].at(torch.zeros(2)).tolist() == rays.origins[1:3].tolist() and len(rays) == 5


def test_a_constant_density_is_seen_by_its_chord():
    ball = Ball()
    rendered = render_rays(ball, FINE, along_z(MISS), torch.tensor([0.0, 0.0, 1.0]))
    opacity = -torch.expm1(-ball.sigma * ball.chord(MISS))
    assert torch.allclose(rendered.opacity, opacity, atol=2e-3)
    expected = opacity[:, None] * ball.tint + (1 - opacity)[:, None] * torch.tensor([0.0, 0, 1])
    assert torch.allclose(rendered.color, expected, atol=2e-3)
    assert torch.allclose(rendered.weights.sum(-1), rendered.opacity, atol=1e-5)


def test_the_mean_distance_is_that_of_the_truncated_exponential():
    ball, rendered = Ball(), render_rays(Ball(), FINE, along_z(MISS[:3]))
    depth = ball.sigma * ball.chord(MISS[:3])
    expected = 3 - ball.chord(MISS[:3]) / 2 + (1 - depth / torch.expm1(depth)) / ball.sigma
    assert torch.allclose(rendered.distance, expected, atol=2e-3)


@pytest.mark.parametrize("seed", [None, 0])
def test_fog_lets_through_what_its_closed_form_says(seed):
    """At every depth, not only at the end; colours see the direction."""
    fog, rays = GaussianFog(), along_z(MISS[:4])
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    rendered = render_rays(fog, FINE, rays, 1.0, generator)
    edges = rendered.t[:, 1:] / 2 + rendered.t[:, :-1] / 2 - 3
    opacity = -torch.expm1(-fog.depth_before(MISS[:4, None], edges))
    assert torch.allclose(rendered.weights.cumsum(-1)[:, :-1], opacity, atol=5e-3)
    expected = rendered.opacity[:, None] * torch.tensor([0.5, 0.5, 1.0]) + (1 - rendered.opacity)[:, None]
    assert torch.allclose(rendered.color, expected, atol=1e-5)


def test_gradients_are_those_of_the_closed_form():
    """Of the opacity, for the fog's density."""
    fog = GaussianFog(peak=torch.tensor(3.0, requires_grad=True))
    column = fog.depth_before(MISS[:1], torch.tensor(9.0)).detach() / 3
    render_rays(fog, FINE, along_z(MISS[:1])).opacity.sum().backward()
    assert torch.allclose(fog.peak.grad, (column * torch.exp(-3 * column))[0], rtol=1e-3)


def test_a_triplane_is_fitted_to_the_fogs_pictures():
    cameras = Cameras.orbit([0.0, 90.0], 20.0, 3.0, 30.0, 12, 12)
    truth = render_image(GaussianFog(peak=20.0), StratifiedSampler(64), cameras)
    rays = RayBundle(*(x.reshape(-1, 3) for x in cameras.rays()))
    triplane, generator = Triplane(), torch.Generator().manual_seed(0)
    optimizer, losses = torch.optim.Adam(triplane.parameters(), 0.1), []
    for _ in range(60):
        rendered = render_rays(triplane, StratifiedSampler(24), rays, 1.0, generator)
        loss = (rendered.color - truth.permute(0, 2, 3, 1).reshape(-1, 3)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.1 * losses[0]


class Asked(DistanceSolid):
    """Answers all at once, and remembers how many points it was asked."""

    def radiance(self, points: Tensor, directions: Tensor) -> Radiance:
        self.count = len(points)
        return Radiance(self.density(points), self.color(points), F.normalize(points, dim=-1))


def asked() -> Asked:
    return Asked(lambda p: p.norm(dim=-1) - 0.5, 0.002)


def test_padding_is_not_asked_and_shows_nothing():
    """Ragged rays give what dense ones do; the third ray has no sample at all."""
    t = torch.linspace(2.4, 2.8, 40).expand(3, -1)
    dense = RaySamples.before_opaque(t, torch.zeros(3, dtype=torch.bool))
    ragged = RaySamples(t, dense.length * torch.tensor([1.0, 1, 0])[:, None])
    field, plain, rays = asked(), DistanceSolid(asked().distance, 0.002), along_z(torch.tensor([0.0, 0.1, 0.2]))
    rendered, full = (render_rays(field, lambda *_, s=s: s, rays, 1.0) for s in (ragged, dense))
    assert torch.allclose(rendered.color[:2], full.color[:2], atol=1e-6)
    assert rendered.opacity[2] == 0 and (rendered.color[2] == 1).all() and (rendered.normal[2] == 0).all()
    render_rays(field, lambda *_: ragged, rays)
    assert field.count == 2 * 39  # the last sample before a ray that may pass is empty
    assert render_rays(plain, lambda *_: ragged, rays).normal is None


def test_normals_are_those_of_the_surface():
    x = torch.tensor([0.0, 0.2, 0.3])
    normal = render_rays(asked(), FINE, along_z(x)).normal
    assert torch.allclose(normal, torch.stack([x, 0 * x, -(0.25 - x**2).sqrt()], -1) / 0.5, atol=0.02)


def test_an_opacity_that_is_known_replaces_the_fields():
    """As of a mask: the colour of what the ray meets, blended by it."""
    weights, t = torch.tensor([[0.1, 0.3]]), torch.tensor([[1.0, 2.0]])
    radiance = SampleRadiance(weights, torch.tensor([0.6]), torch.eye(3)[None, :2])
    rendered = composite(radiance, RaySamples.before_opaque(t), torch.ones(3), torch.tensor([0.5]))
    assert torch.allclose(rendered.color, torch.tensor([[0.625, 0.875, 0.5]]))
    assert rendered.opacity == 0.5 and rendered.distance.item() == pytest.approx(1.75)


def test_unshaded_samples_hand_their_weight_on():
    radiance = SampleRadiance(torch.full((1, 4), 0.25), torch.zeros(1), torch.eye(3)[None, :2], None, (1, 3))
    rendered = composite(radiance, RaySamples.before_opaque(torch.tensor([[1.0, 2, 3, 4]])))
    assert torch.allclose(rendered.color, torch.tensor([[0.5, 0.5, 0.0]]))
    assert rendered.t.tolist() == [[2, 3]] and rendered.distance.item() == pytest.approx(2.5)


def test_pictures_do_not_depend_on_their_chunks():
    cameras = Cameras.orbit([0.0, 40.0], 10.0, 3.0, 40.0, 9, 7)
    pictures = [render_image(Ball(), StratifiedSampler(50), cameras, (0.0, 0.0, 1.0), chunk=n) for n in (5, 1000)]
    assert pictures[0].shape == (2, 3, 9, 7) and torch.allclose(*pictures, atol=1e-6)
    assert torch.equal(pictures[0][:, :, 0, 0], torch.tensor([0.0, 0, 1]).expand(2, 3))


def test_pictures_carry_no_gradient_and_can_be_stopped():
    def stop() -> None:
        raise Interrupted

    camera = Cameras.orbit(0.0, 0.0, 3.0, 40.0, 4, 4)
    assert not render_image(Triplane(), StratifiedSampler(4), camera).requires_grad
    with pytest.raises(Interrupted):
        render_image(Triplane(), StratifiedSampler(4), camera, check=stop)


def test_the_contracts_tell_fields_apart():
    assert isinstance(asked(), DistanceField) and isinstance(Triplane(), RadianceField)
    assert not isinstance(Triplane(), DistanceField) and isinstance(Triplane(), Field)


def test_rays_of_another_shape_are_refused():
    with pytest.raises(BadInput, match="ray origins"):
        render_rays(Ball(), FINE, RayBundle(torch.zeros(3, 2), torch.zeros(3, 3)))
    with pytest.raises(BadInput, match="ray directions"):
        render_rays(Ball(), FINE, RayBundle(torch.zeros(3, 3), torch.zeros(2, 3)))


def test_rays_beside_the_bounds_ask_nothing_of_a_field_that_needs_points():
    class Proud(Ball):
        def density(self, points: Tensor) -> Tensor:
            assert len(points)
            return super().density(points)

    rendered = render_rays(Proud(), StratifiedSampler(8), along_z(torch.tensor([1.5, 2.0])), 1.0)
    assert (rendered.opacity == 0).all() and (rendered.color == 1).all()
