"""Random plausible lighting of renders: hemisphere ambient of sky and ground, and lamps, one of them with shadows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Lighting:
    """Lights in the world frame, linear RGB."""

    directions: Array  # [L,3] unit, toward the lamps; the first one casts shadows
    colors: Array  # [L,3]
    sky: Array  # [3] ambient from above
    ground: Array  # [3] ambient from below
    specular: float  # Blinn-Phong strength
    shininess: float
    shadow: float  # fraction of the first lamp that its shadow removes, 0-1
    exposure: float


def random_lighting(rng: np.random.Generator, toward_camera: Array) -> Lighting:
    """One to four lamps, mostly from above and from the camera's side. toward_camera [3] unit, world."""
    count = int(rng.integers(1, 5))
    directions = rng.normal(size=(count, 3)) + 0.8 * toward_camera + np.array([0.0, 0.9, 0.0])
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True) + 1e-9
    tint = 1 + rng.uniform(-0.25, 0.25, size=(count, 1)) * np.array([1.0, 0.1, -1.0])  # warm to cold
    power = rng.dirichlet(np.ones(count))[:, None] * rng.uniform(0.4, 1.3)
    ambient = rng.uniform(0.15, 0.75)
    sky = ambient * (1 + rng.uniform(-0.2, 0.2) * np.array([-1.0, 0.0, 1.0]))
    return Lighting(
        directions.astype(np.float32),
        (tint * power).astype(np.float32),
        sky.astype(np.float32),
        (sky * rng.uniform(0.2, 0.9) * (1 + rng.uniform(-0.15, 0.15, 3))).astype(np.float32),
        float(rng.choice([0.0, rng.uniform(0.02, 0.15), rng.uniform(0.1, 0.6)])),
        float(np.exp(rng.uniform(np.log(4), np.log(120)))),
        float(rng.uniform(0.2, 1.0)) if rng.random() < 0.75 else 0.0,
        float(np.exp(rng.normal(0.1, 0.25))),
    )


def shade(albedo: Array, normals: Array, toward_eye: Array, lit: Array, light: Lighting) -> Array:
    """Colour of P surface points.

    albedo [P,3] sRGB, normals and toward_eye [P,3] unit (normals face the eye), lit [P] 0-1 visibility of the first
    lamp -> [P,3] sRGB. Lambert + Blinn-Phong + hemisphere ambient in linear light.
    """
    linear = albedo**2.2
    up = 0.5 + 0.5 * normals[:, 1:2]
    radiance = linear * (light.sky * up + light.ground * (1 - up))
    for i, (direction, color) in enumerate(zip(light.directions, light.colors, strict=True)):
        visible = (1 - light.shadow * (1 - lit))[:, None] if i == 0 else 1.0
        diffuse = np.clip(normals @ direction, 0, None)[:, None]
        half = direction + toward_eye
        half /= np.linalg.norm(half, axis=-1, keepdims=True) + 1e-9
        gloss = np.clip((normals * half).sum(-1), 0, None)[:, None] ** light.shininess
        radiance = radiance + visible * color * (linear * diffuse + light.specular * gloss * (diffuse > 0))
    return np.clip(radiance * light.exposure * 1.35, 0, 1) ** (1 / 2.2)
