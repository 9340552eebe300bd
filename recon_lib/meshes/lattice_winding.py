"""Winding numbers of a mesh at the nodes of a box lattice: exact for closed meshes, generalised for open ones.

A mesh and the fans that close its holes are closed together, and then the winding number is whole: crossings of
vertical lines count it exactly. The fans' own share, which is small and smooth but at the holes, is taken off again, as
in the one-shot method of Martens and Bessmeltsev 2025.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ..progress import unchecked
from .columns import column_crossings
from .mesh import Mesh
from .seams import welded
from .winding import winding_numbers

STRIDE = 4  # nodes
BESIDE = 2  # strides from the fans within which every node is asked
MOST_POINTS = 1_000_000
TRIANGLES_AT_ONCE = 250_000  # about 0.5 GB of working memory


def lattice_windings(mesh: Mesh, axes: tuple[Tensor, Tensor, Tensor], check: Callable[[], None] = unchecked) -> Tensor:
    """How often the mesh winds around the nodes at x, y and z of `axes` [X], [Y], [Z], rising: [X,Y,Z] float32."""
    x, y, z = (axis.double().contiguous() for axis in axes)
    fans = closing_fans(mesh)
    lines = torch.cartesian_prod(x, y).view(-1, 2)
    steps = torch.zeros(len(lines) * (len(z) + 1))
    for part in [*torch.arange(len(mesh.faces)).split(TRIANGLES_AT_ONCE), None]:
        triangles = fans if part is None else mesh.vertices[mesh.faces[part]]
        crossings = column_crossings(triangles, lines, check)
        below = torch.searchsorted(z, crossings.height.contiguous())  # nodes of the line under each crossing
        steps.index_add_(0, crossings.line * (len(z) + 1) + below, crossings.sign.float())
    # a node is wound around by what its line crosses above it
    above = steps.view(len(lines), -1).flip(1).cumsum(1).flip(1)[:, 1:]
    windings = above.reshape(len(x), len(y), len(z))
    return windings - _fan_windings(fans, (x, y, z), check) if len(fans) else windings


def _fan_windings(fans: Tensor, axes: tuple[Tensor, Tensor, Tensor], check: Callable[[], None]) -> Tensor:
    """Winding numbers of the fans at all nodes: interpolated between every fourth of them, but near the fans."""
    from scipy.ndimage import binary_dilation

    coarse, weights = zip(*(_coarser(axis) for axis in axes), strict=True)
    values = winding_numbers(fans, torch.cartesian_prod(*coarse).float(), check).view([len(axis) for axis in coarse])
    values = torch.einsum("abc,xa,yb,zc->xyz", values, *weights)
    points = _points_on(fans, min(float((axis[1:] - axis[:-1]).min()) for axis in coarse))
    last = torch.tensor([len(axis) for axis in coarse]) - 1
    cell = torch.stack([torch.searchsorted(a, p.contiguous()) for a, p in zip(coarse, points.T, strict=True)], -1)
    near = torch.zeros([len(axis) for axis in coarse], dtype=torch.bool)
    near[tuple(torch.minimum(cell, last).T)] = True
    near = torch.from_numpy(binary_dilation(near.numpy(), iterations=BESIDE, structure=torch.ones(3, 3, 3).numpy()))
    node = torch.meshgrid(*(weight.argmax(1) for weight in weights), indexing="ij")
    chosen = near[node].nonzero(as_tuple=True)
    nodes = torch.stack([axis[index] for axis, index in zip(axes, chosen, strict=True)], -1)
    values[chosen] = winding_numbers(fans, nodes.float(), check)
    return values


def _coarser(axis: Tensor) -> tuple[Tensor, Tensor]:
    """Every fourth value of an axis [X] and the last one: [C], and the linear weights [X,C] of these at all values."""
    kept = torch.unique(torch.cat([torch.arange(0, len(axis), STRIDE), torch.tensor([len(axis) - 1])]))
    coarse = axis[kept]
    above = torch.searchsorted(coarse, axis).clamp(1, len(coarse) - 1)
    part = ((axis - coarse[above - 1]) / (coarse[above] - coarse[above - 1])).float()
    weights = torch.zeros(len(axis), len(coarse)).scatter_(1, above[:, None], part[:, None])
    return coarse, weights.scatter_(1, above[:, None] - 1, 1 - part[:, None])


def _points_on(triangles: Tensor, step: float) -> Tensor:
    """Points on triangles [C,3,3], at least one in each half of `step` on the larger ones: [P,3] float64."""
    soup = Mesh(triangles.reshape(-1, 3), torch.arange(3 * len(triangles)).view(-1, 3))
    count = int(min(16 * float(soup.face_areas.sum()) / step**2, MOST_POINTS)) + 1
    spread = soup.sample_surface(count)[0] if float(soup.face_areas.sum()) > 0 else soup.vertices
    return torch.cat([soup.vertices, spread]).double()


def closing_fans(mesh: Mesh) -> Tensor:
    """Triangles [C,3,3] that close the mesh: from each open rim to its middle, one for each edge; none if it is closed.

    An edge is open where triangles use it more often in one direction than in the other. Vertices at one position count
    as one.
    """
    bare = welded(mesh)[0]
    positions, faces = bare.vertices, bare.faces
    edges = faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    forward = edges[:, 0] < edges[:, 1]
    pairs, index = torch.unique(edges.sort(1).values, dim=0, return_inverse=True)
    balance = torch.zeros(len(pairs), dtype=torch.int64).index_add_(0, index, torch.where(forward, 1, -1))
    excess = balance.abs()
    if not excess.any():
        return mesh.vertices.new_zeros(0, 3, 3)
    start, end = torch.where(balance[:, None] > 0, pairs.flip(1), pairs).repeat_interleave(excess, 0).T  # the way back
    rim = _components(start, end, len(positions))
    middle = torch.zeros(len(positions), 3).index_add_(0, rim, positions[start])
    count = torch.zeros(len(positions)).index_add_(0, rim, torch.ones(len(rim)))
    return torch.stack([positions[start], positions[end], middle[rim] / count[rim, None]], 1)


def _components(start: Tensor, end: Tensor, count: int) -> Tensor:
    """The number of the connected component that each edge [E] belongs to."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    matrix = coo_matrix((torch.ones(len(start)).numpy(), (start.numpy(), end.numpy())), shape=(count, count))
    return torch.from_numpy(connected_components(matrix, directed=False)[1]).long()[start]
