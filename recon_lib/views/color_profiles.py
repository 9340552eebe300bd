"""Colour profiles of image files (ICC.1): phones write Display P3, cameras Adobe RGB, print shops CMYK."""

import io
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger("recon3d")
MODES = {b"RGB ": ("RGB", "RGBA", "RGBX"), b"CMYK": ("CMYK",)}  # of pictures, by the colour space that a profile is for
SPACE = slice(16, 20)  # where a profile's header names it


def in_srgb(picture: "Image", profile: object, name: str) -> "Image":
    """The picture in sRGB, if its embedded `profile` says that its numbers mean other colours.

    RGB, RGBA (alpha stays) and CMYK, 8 bit; others, and pictures whose profile is damaged or is for other pictures, are
    returned as they are. Colours beyond sRGB are clipped (relative colorimetric).
    """
    if not isinstance(profile, bytes) or picture.mode not in MODES.get(profile[SPACE], ()):
        return picture
    from PIL import ImageCms, features

    if not features.check("littlecms2"):
        log.warning("%s has a colour profile, which this build of Pillow cannot read: colours may be off", name)
        return picture
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return picture
        colors = picture if picture.mode == "CMYK" else picture.convert("RGB")
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
        made = ImageCms.profileToProfile(colors, source, ImageCms.createProfile("sRGB"), intent, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        log.warning("the colour profile of %s is damaged (%s) and not used", name, str(error)[:120])
        return picture
    if made is None:
        return picture
    if picture.mode == "RGBA":
        made.putalpha(picture.getchannel("A"))
    return made
