"""View diffusion, after ReconFusion (Wu et al., CVPR 2024): what an object looks like where no picture shows it."""
