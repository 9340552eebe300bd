"""Cameras: on an orbit, from a field of view, from ComfyUI's 3D viewer."""

from dataclasses import replace

from comfy_api.latest import io

from ..recon_lib.errors import BadInput
from . import sockets
from .base import CATEGORY, Node
from .convert import images_from_host, mesh_from_host

FOV_TIP = "Vertical field of view in degrees. 30-40 suits a photo of an object; a phone's main camera has about 55."

VIEWER, WORLD = "viewer (Load 3D, Preview 3D)", "world (Render Mesh, Create Camera Info)"
DISTANCE_TIP = "Distance to the object's centre in world units; the object lies inside a sphere of radius 1."


def size_inputs(default: int) -> list:
    """Width and height of the cameras' images."""
    return [
        io.Int.Input("width", default=default, min=1, max=8192, tooltip="Width of the cameras' images in pixels."),
        io.Int.Input("height", default=default, min=1, max=8192, tooltip="Height of the cameras' images in pixels."),
    ]


def fov_input(default: float) -> io.Float.Input:
    return io.Float.Input("fov", default=default, min=1.0, max=170.0, step=0.5, tooltip=FOV_TIP)


def space_input(tooltip: str) -> io.Combo.Input:
    """Whose coordinates a LOAD3D_CAMERA counts in."""
    return io.Combo.Input("space", options=[VIEWER, WORLD], default=VIEWER, optional=True, tooltip=tooltip)


class CameraOrbit(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_CameraOrbit",
            display_name="Camera Orbit",
            category=f"{CATEGORY}/cameras",
            description="Cameras at even steps around the object, all looking at its centre.",
            inputs=[
                io.Int.Input("count", default=8, min=1, max=1024, tooltip="How many cameras."),
                io.Float.Input(
                    "azimuth", default=0.0, min=-360.0, max=360.0, step=1.0,
                    tooltip="Azimuth of the first camera in degrees: 0 is the front (+z), 90 the object's right-hand "
                    "side as the front view shows it (+x).",
                ),
                io.Float.Input(
                    "sweep", default=360.0, min=-360.0, max=360.0, step=1.0,
                    tooltip="Degrees over which the cameras are spread. 360 is a closed circle; less is an arc with "
                    "a camera at both ends.",
                ),
                io.Float.Input(
                    "elevation", default=15.0, min=-90.0, max=90.0, step=1.0,
                    tooltip="Degrees above the horizon; 90 looks straight down.",
                ),
                io.Float.Input(
                    "distance", default=3.5, min=0.1, max=100.0, step=0.05,
                    tooltip=DISTANCE_TIP,
                ),
                fov_input(40.0),
                *size_inputs(512),
            ],
            outputs=[sockets.Cameras.Output("cameras", display_name="cameras", tooltip="The cameras, in order.")],
        )  # fmt: skip

    @classmethod
    def run(cls, count, azimuth, sweep, elevation, distance, fov, width, height):
        from ..recon_lib.cameras.orbits import arc

        return io.NodeOutput(arc(count, azimuth, sweep, elevation, distance, fov, height, width))


class CamerasFromLoad3D(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_CamerasFromLoad3D",
            display_name="Cameras from Load3D",
            category=f"{CATEGORY}/cameras",
            description="The camera of ComfyUI's own 3D viewer, where the user left it.",
            inputs=[
                io.Load3DCamera.Input("camera_info", tooltip="camera_info of Load 3D or Preview 3D."),
                io.Float.Input(
                    "fov", default=35.0, min=1.0, max=170.0, step=0.5,
                    tooltip="Vertical field of view in degrees, used when the viewer does not tell its own "
                    "(older ComfyUI; its viewer has 35).",
                ),
                *size_inputs(512),
                io.Mesh.Input(
                    "mesh", optional=True,
                    tooltip="The mesh that the viewer shows, for its scale; nothing: an object that fills the unit "
                    "sphere.",
                ),
                space_input("Create Camera Info's value counts in the mesh's own world; the mesh is not needed then."),
            ],
            outputs=[sockets.Cameras.Output("cameras", display_name="cameras", tooltip="One camera.")],
        )  # fmt: skip

    @classmethod
    def run(cls, camera_info, fov, width, height, mesh=None, space=VIEWER):
        from ..recon_lib.cameras.load3d import UNIT_BOUNDS, from_load3d

        shown = None if mesh is None else mesh_from_host(mesh)
        bounds = UNIT_BOUNDS if shown is None else shown.bounds
        bounds = None if space == WORLD else bounds
        cameras = from_load3d(camera_info, height, width, fov=fov, bounds=bounds)
        return io.NodeOutput(cameras if shown is None else replace(cameras, origin=shown.origin))


class CameraFromFov(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_CameraFromFov",
            display_name="Camera from Field of View",
            category=f"{CATEGORY}/cameras",
            description="One camera for a picture whose field of view and direction are known.",
            inputs=[
                io.Image.Input("image", tooltip="Only its size is used."),
                fov_input(40.0),
                io.Float.Input(
                    "azimuth", default=0.0, min=-360.0, max=360.0, step=1.0,
                    tooltip="Degrees to the right around the object; 0 for the input photo.",
                ),
                io.Float.Input(
                    "elevation", default=0.0, min=-90.0, max=90.0, step=1.0, tooltip="Degrees above the horizon."
                ),
                io.Float.Input(
                    "distance", default=3.5, min=0.1, max=100.0, step=0.05,
                    tooltip=DISTANCE_TIP,
                ),
            ],
            outputs=[sockets.Cameras.Output("cameras", display_name="cameras", tooltip="One camera per picture.")],
        )  # fmt: skip

    @classmethod
    def run(cls, image, fov, azimuth, elevation, distance):
        from ..recon_lib.cameras.camera import Cameras

        count, _, height, width = images_from_host(image).shape
        return io.NodeOutput(Cameras.orbit([azimuth] * count, elevation, distance, fov, height, width))


class PickCamera(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_PickCamera",
            display_name="Pick Camera",
            category=f"{CATEGORY}/cameras",
            description="One camera out of many.",
            inputs=[
                sockets.Cameras.Input("cameras", tooltip="From Camera Schedule, Camera Orbit or any other."),
                io.Int.Input("number", default=1, min=1, max=4096, tooltip="1 is the first."),
            ],
            outputs=[sockets.Cameras.Output("camera", display_name="camera", tooltip="One camera.")],
        )

    @classmethod
    def run(cls, cameras, number):
        if number > len(cameras):
            raise BadInput(
                f"There is no camera {number} among {len(cameras)}; lower the number, or ask for more cameras."
            )
        return io.NodeOutput(cameras[number - 1])


NODES = [CameraOrbit, CamerasFromLoad3D, CameraFromFov, PickCamera]
