import torch

from recon_lib.render.rays import RayBundle
from recon_lib.training.g3dr.samples import BoxSampler
from tests.fields.test_triplane import field


def rays(count=20):
    origins = torch.tensor([0.0, 0.0, 3.0]).expand(count, 3)
    aim = torch.rand(count, 3, generator=torch.Generator().manual_seed(0)) - 0.5
    return RayBundle(origins, torch.nn.functional.normalize(aim - origins, dim=-1))


def test_samples_share_the_ray_between_the_boxs_faces():
    f, bundle = field(), rays()
    samples = BoxSampler(8, 6)(f, bundle, torch.Generator().manual_seed(1))
    start, end = f.span(bundle.origins, bundle.directions)
    assert samples.t.shape == (20, 14) and (samples.t.diff(dim=1) >= 0).all()
    torch.testing.assert_close(samples.length.sum(1), end - start, atol=1e-4, rtol=0)


def test_finer_samples_lie_around_a_known_depth():
    depth = torch.full((20,), 3.0)
    depth[:5] = 0
    samples = BoxSampler(8, 6, depth, 0.05)(field(), rays(), torch.Generator().manual_seed(1))
    near = ((samples.t - 3).abs() <= 0.0501).sum(1)
    assert (near[5:] >= 6).all() and (near[:5] < 6).any()
