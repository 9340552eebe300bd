"""Photometric augmentation: ground shadows, colour, blur, noise, compression."""

import io

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]  # [H,W,3] sRGB 0-1


def with_shadow(canvas: Picture, alpha: NDArray[np.float32], rng: np.random.Generator) -> Picture:
    """The picture with a shadow of a pasted object: its silhouette, shifted and blurred."""
    from PIL import Image, ImageFilter

    size = canvas.shape[0]
    shift = (int(rng.normal(0, 0.05) * size), int(abs(rng.normal(0.02, 0.04)) * size))
    shadow = Image.fromarray((alpha * 255).astype(np.uint8))
    shadow = shadow.transform(shadow.size, Image.Transform.AFFINE, (1, 0, -shift[0], 0, 1, -shift[1]))
    shadow = shadow.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.01, 0.06)) * size))
    strength = rng.uniform(0.1, 0.7)
    return canvas * (1 - strength * np.asarray(shadow, np.float32)[..., None] / 255)


def photograph(canvas: Picture, rng: np.random.Generator) -> Picture:
    """Random white balance, exposure, contrast, saturation, blur, noise and JPEG."""
    image = np.clip(canvas, 0, 1).astype(np.float32) ** np.float32(np.exp(rng.normal(0, 0.18)))
    image = image * ((1 + rng.normal(0, 0.06, 3)) * np.exp(rng.normal(0, 0.12))).astype(np.float32)
    mean = image.mean()
    image = (image - mean) * np.float32(np.exp(rng.normal(0, 0.15))) + mean
    grey = image.mean(-1, keepdims=True)
    image = grey + (image - grey) * np.float32(0 if rng.random() < 0.03 else np.exp(rng.normal(0, 0.25)))
    if rng.random() < 0.3:
        image = _blurred(image, float(rng.uniform(0.3, 1.3)))
    if rng.random() < 0.5:
        image = image + rng.standard_normal(image.shape, dtype=np.float32) * np.float32(rng.uniform(0.005, 0.05))
    image = np.clip(image, 0, 1)
    return _compressed(image, int(rng.integers(25, 96))) if rng.random() < 0.3 else image


def _bytes(image: Picture) -> NDArray[np.uint8]:
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)


def _blurred(image: Picture, sigma: float) -> Picture:
    from PIL import Image, ImageFilter

    blurred = Image.fromarray(_bytes(image)).filter(ImageFilter.GaussianBlur(sigma))
    return np.asarray(blurred, np.float32) / 255


def _compressed(image: Picture, quality: int) -> Picture:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(_bytes(image)).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer), np.float32) / 255
