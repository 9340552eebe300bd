"""What all nodes of the pack share: checked inputs, ordinary tensors, a line in the log."""

import logging
import math
import time

from comfy_api.latest import io

from ..recon_lib.errors import BadInput
from .host import offload, training_tensors

log = logging.getLogger("recon3d")
CATEGORY = "3d/Recon3D"
LARGEST_SEED = 0xFFFFFFFFFFFFFFFF


class Node(io.ComfyNode):
    """A door to one stage. Subclasses define `define_schema` and `run`, which gets the inputs by name."""

    @classmethod
    def execute(cls, **inputs) -> io.NodeOutput:
        schema = cls.define_schema()
        check_inputs(schema, inputs)
        started = time.perf_counter()
        try:
            with training_tensors():
                output = cls.run(**inputs)
        finally:
            offload(inputs)
        log.info("%s took %.2f s", schema.display_name, time.perf_counter() - started)
        return output

    @classmethod
    def run(cls, **inputs) -> io.NodeOutput:
        raise NotImplementedError


def check_inputs(schema: io.Schema, inputs: dict) -> None:
    """`BadInput` for a choice that is not in its list and a number outside its range.

    ComfyUI checks neither when the value comes over a link, and older versions don't check choices at all.
    """
    for socket in schema.inputs:
        value, where = inputs.get(socket.id), f"{socket.id} of {schema.display_name}"
        if value is None:
            continue
        options = getattr(socket, "options", None)
        if options is not None and value not in options:
            shown = ", ".join(map(str, options[:12])) or "nothing"
            raise BadInput(f"{where} is '{value}', which is not among the choices; choose from {shown}.")
        low, high = getattr(socket, "min", None), getattr(socket, "max", None)
        if low is not None and high is not None and not (math.isfinite(value) and low <= value <= high):
            raise BadInput(f"{where} is {value}; give a number from {low} to {high}.")


def seed_input(tooltip: str) -> io.Int.Input:
    """The seed widget, with ComfyUI's fixed/randomize switch behind it."""
    return io.Int.Input("seed", default=0, min=0, max=LARGEST_SEED, control_after_generate=True, tooltip=tooltip)
