import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recon_lib.meshes.mesh import Mesh
from recon_lib.meshes.seams import same_positions, welded
from tests.helpers.shapes import ball


@given(st.lists(st.tuples(*[st.sampled_from([-1.5, 0.0, -0.0, 0.25, 1e6])] * 3), min_size=1, max_size=12))
@settings(deadline=None, max_examples=60)
def test_a_number_for_each_position(rows):
    points = torch.tensor(rows)
    number = same_positions(points)
    assert torch.equal(number[:, None] == number, (points[:, None] == points).all(-1))
    assert sorted(set(number.tolist())) == list(range(int(number.max()) + 1))


def test_positions_that_all_differ_keep_their_order():
    assert torch.equal(same_positions(ball().vertices), torch.arange(len(ball().vertices)))


def test_a_soup_becomes_the_solid_that_it_was():
    whole = ball(subdivisions=2)
    soup = Mesh(whole.triangles.reshape(-1, 3), torch.arange(3 * len(whole.faces)).view(-1, 3), origin=(5.0, 0, 0))
    found, number = welded(soup)
    assert len(found.vertices) == len(whole.vertices) and found.origin == soup.origin
    assert torch.equal(found.vertices[number], soup.vertices)
    assert torch.equal(found.triangles, whole.triangles)


def test_triangles_without_three_corners_go():
    flat = Mesh(torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0]]), torch.tensor([[0, 1, 2], [0, 1, 3]]))
    assert welded(flat)[0].faces.shape == (1, 3)
    empty = Mesh(torch.zeros(0, 3), torch.zeros(0, 3, dtype=torch.int64))
    assert len(welded(empty)[0].faces) == 0
