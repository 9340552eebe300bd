"""ZeroShape-W (Huang et al., CVPR 2025): masks, depth, camera, visible surface, occupancy."""
