"""LIST (Arshad and Beksi, ICCV 2023): coarse points, a spatial transformer, a signed distance."""
