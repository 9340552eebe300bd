"""Colour jitter: brightness, saturation and hue of a picture, at random (LIST's training, Arshad and Beksi 2023)."""

import numpy as np
from numpy.typing import NDArray

BRIGHTNESS, SATURATION, HUE = 0.3, 0.5, 0.5  # largest change: factors 1 +- that, turns of the hue
TO_YIQ = np.float32([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])


def jittered(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """The sRGB picture [3,S,S] in 0-1 with random brightness, saturation and hue.

    Hue and saturation turn and stretch the chroma plane of YIQ, so that no pixel's luma changes with them.
    """
    brightness, saturation = 1 + rng.uniform(-BRIGHTNESS, BRIGHTNESS), 1 + rng.uniform(-SATURATION, SATURATION)
    angle = 2 * np.pi * rng.uniform(-HUE, HUE)
    cosine, sine = saturation * np.cos(angle), saturation * np.sin(angle)
    chroma = np.float32([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    matrix = (brightness * (np.linalg.inv(TO_YIQ) @ chroma @ TO_YIQ)).astype(np.float32)
    return np.clip(np.tensordot(matrix, image, 1), 0, 1)
