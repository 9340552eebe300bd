"""What all nodes of the pack share: checked inputs, ordinary tensors, a line in the log."""

import inspect
import logging
import math
import time
from typing import Any

import numpy as np
from comfy_api.latest import io

from ..recon_lib.errors import BadInput
from ..recon_lib.parsing import number, shown, whole_number
from ..recon_lib.registry import load_part
from .host import offload, public, training_tensors
from .notices import warnings_on_node

log = logging.getLogger("recon3d")
CATEGORY = "3d/Recon3D"
LARGEST_SEED = 0xFFFFFFFFFFFFFFFF
NUMBERS = {"INT": (whole_number, -(2**63), LARGEST_SEED), "FLOAT": (number, -math.inf, math.inf)}
CLASSES = {  # of the values on the pack's own sockets
    "RECON3D_CAMERAS": ".cameras.camera:Cameras",
    "RECON3D_VIEWS": ".views.views:Views",
    "RECON3D_MODEL": ".weights.registry:LoadedModel",
    "RECON3D_POINTS": ".stages.single_view.regress:VisibleSurface",
    "RECON3D_GAP": ".stages.outpainting.mask:OutpaintMask",
}
METHODS = {  # protocols
    "RECON3D_FIELD": ("inside",), "RECON3D_OUTPAINTER": ("paint",), "RECON3D_PRIOR": ("sample",),
}  # fmt: skip


class Node(io.ComfyNode):
    """A door to one stage. Subclasses define `define_schema` and `run`, which gets the inputs by name."""

    @classmethod
    def execute(cls, **inputs) -> io.NodeOutput:
        schema = cls.define_schema()
        started = time.perf_counter()
        try:
            check_inputs(schema, inputs)
            with warnings_on_node(), training_tensors():
                output = cls.run(**inputs)
        except BadInput as error:
            raise BadInput(public(str(error))) from error
        finally:
            offload(inputs)
        log.info("%s took %.2f s", schema.display_name, time.perf_counter() - started)
        return output

    @classmethod
    def run(cls, **inputs) -> io.NodeOutput:
        raise NotImplementedError


def check_inputs(schema: io.Schema, inputs: dict) -> None:
    """`BadInput` for a value of another kind than its socket's, a choice that is not in the list, a number outside its
    range, and a required input that is missing.

    ComfyUI checks none of these when the value comes over a link, and older versions don't check choices at all.
    """
    for socket in schema.inputs:
        value = inputs.get(socket.id)
        if value is not None and not (getattr(socket, "extra_dict", None) or {}).get("rawLink"):
            _check_value(socket, value, f"{socket.id} of {schema.display_name}")
    for socket in schema.inputs:
        if inputs.get(socket.id) is None and not socket.optional:
            raise BadInput(
                f"{socket.id} of {schema.display_name} is missing; it is needed, so connect it or enter a value."
            )


def _check_value(socket: Any, value: object, where: str) -> None:
    options, kind = getattr(socket, "options", None), socket.io_type
    if options is not None and (not isinstance(value, str) or value not in options):
        choices = ", ".join(map(str, options[:12])) or "nothing"
        raise BadInput(f"{where} is {shown(value)}, which is not among the choices; choose from {choices}.")
    if kind in NUMBERS:
        low, high = (getattr(socket, end, None) for end in ("min", "max"))
        parse, least, most = NUMBERS[kind]
        parse(value, where, least if low is None else low, most if high is None else high)
    elif kind == "STRING" and not isinstance(value, str):
        raise BadInput(f"{where} is {shown(value)}; a text is needed.")
    elif kind == "BOOLEAN" and not isinstance(value, (bool, np.bool_)):
        raise BadInput(f"{where} is {shown(value)}; true or false is needed.")
    elif not _has_class(value, kind):
        raise BadInput(f"{where} is a {type(value).__name__}; connect an output of the type {kind}.")


def _has_class(value: object, kind: str) -> bool:
    """Whether a value on one of the pack's own sockets is of its class, or has the methods of its protocol."""
    if kind in CLASSES:
        return isinstance(value, load_part(CLASSES[kind]))
    return all(callable(getattr(value, name, None)) for name in METHODS.get(kind, ()))


def seed_input(tooltip: str) -> io.Int.Input:
    """The seed widget, with ComfyUI's switch behind it: fixed at first, since another seed costs another run.

    Older versions know no first value for the switch; `web/seeds.js` sets it there.
    """
    choices = getattr(io, "ControlAfterGenerate", None)
    switch = True if choices is None else choices.fixed
    return io.Int.Input("seed", default=0, min=0, max=LARGEST_SEED, control_after_generate=switch, tooltip=tooltip)


def where_known(**fields: Any) -> dict[str, Any]:
    """Those of the schema's fields that this ComfyUI has, such as `search_aliases`, for `io.Schema(**...)`."""
    return {name: value for name, value in fields.items() if name in io.Schema.__dataclass_fields__}


def advanced() -> dict[str, Any]:
    """For a rarely used input, `io.Int.Input(**...)`: newer pages fold it away; saved values keep their places."""
    known = "advanced" in inspect.signature(io.Int.Input.__init__).parameters
    return {"advanced": True} if known else {}
