"""After POP3D (Ryu et al., SIGGRAPH Asia 2023): the loop of carving, outpainting and fitting."""
