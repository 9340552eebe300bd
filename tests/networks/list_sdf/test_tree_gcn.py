import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.networks.list_sdf.tree_gcn import PointFeatures, TreeDecoder, TreeGraphConv


def test_as_many_points_as_the_product_of_the_degrees():
    tree = TreeDecoder((8, 6, 4, 3), (2, 3, 5), support=2)
    assert tree.points == 30
    assert tree(torch.randn(2, 8)).shape == (2, 30, 3)
    with pytest.raises(BadInput):
        tree(torch.randn(8))


def test_a_level_by_hand():
    """Two nodes of width 1, degree 2: child = ancestors' share + share of LeakyReLU(node times its branch)."""
    layer = TreeGraphConv((1, 1, 1), nodes=2, degree=2, support=1, last=True)
    with torch.no_grad():
        layer.W_root[0].weight.fill_(10.0)
        layer.W_root[1].weight.fill_(1.0)
        layer.W_branch.copy_(torch.tensor([[[1.0, -1.0]], [[2.0, 3.0]]]))
        layer.W_loop[0].weight.fill_(1.0)
        layer.W_loop[1].weight.fill_(0.5)
        root, parents = torch.tensor([[[0.1]]]), torch.tensor([[[2.0], [-1.0]]])
        children = layer([root, parents])[0, :, 0]
    branches = torch.tensor([2.0, -2 * 0.2, -2 * 0.2, -3 * 0.2])
    torch.testing.assert_close(children, 1 + torch.tensor([2.0, 2, -1, -1]) + 0.5 * branches)


def test_every_layer_but_the_last_has_a_bias():
    tree = TreeDecoder((4, 4, 3), (2, 2), support=1)
    before = tree(torch.ones(1, 4))
    with torch.no_grad():
        tree.gcn.TreeGCN_1.bias.fill_(5.0)
    assert torch.equal(tree(torch.ones(1, 4)), before)
    with torch.no_grad():
        tree.gcn.TreeGCN_0.bias.fill_(5.0)
    assert not torch.equal(tree(torch.ones(1, 4)), before)


def test_point_features_do_not_depend_on_the_order():
    features = PointFeatures((4, 8)).eval()
    points = torch.randn(2, 20, 3)
    torch.testing.assert_close(features(points), features(points[:, torch.randperm(20)]))
    assert features(points).shape == (2, 8)
