"""Stand-in: sockets, schema and node class, with the same `GET_NODE_INFO_V1` as ComfyUI 0.3.64."""

from dataclasses import dataclass, field


def pruned(values: dict) -> dict:
    return {key: value for key, value in values.items() if value is not None}


class Input:
    io_type = ""
    keys: tuple[str, ...] = ()  # attributes that go to the frontend, after the common ones
    frontend_names: dict[str, str] = {}

    def __init__(self, id, display_name=None, optional=False, tooltip=None, lazy=None, extra_dict=None, **own):  # noqa: A002
        unknown = set(own) - set(self.keys)
        if unknown:
            raise TypeError(f"{type(self).__qualname__} got unexpected {unknown}")
        self.id, self.display_name, self.optional, self.tooltip, self.lazy = id, display_name, optional, tooltip, lazy
        self.extra_dict = extra_dict or {}
        self.own = own
        for key in self.keys:
            setattr(self, key, own.get(key, False if key == "multiline" else None))

    def as_dict(self) -> dict:
        common = pruned({"display_name": self.display_name, "tooltip": self.tooltip, "lazy": self.lazy})
        own = {self.frontend_names.get(key, key): getattr(self, key) for key in self.keys}
        return {**common, **pruned(own), **pruned(self.extra_dict)}


class Output:
    io_type = ""

    def __init__(self, id=None, display_name=None, tooltip=None, is_output_list=False):  # noqa: A002
        self.id, self.display_name, self.tooltip, self.is_output_list = id, display_name, tooltip, is_output_list


def socket_type(io_type: str, keys: tuple[str, ...] = (), **frontend_names: str) -> type:
    """A class with `.Input` and `.Output`, as ComfyUI's decorator `comfytype` makes them."""
    parts = {"io_type": io_type}
    made_input = type("Input", (Input,), {**parts, "keys": keys, "frontend_names": frontend_names})
    return type(io_type.title(), (), {**parts, "Input": made_input, "Output": type("Output", (Output,), parts)})


def Custom(io_type: str) -> type:
    return socket_type(io_type)


WIDGET = ("default", "socketless", "force_input")
NUMBER = ("min", "max", "step", "control_after_generate", "display_mode")
Image, Mask, Mesh, Voxel = (socket_type(name) for name in ("IMAGE", "MASK", "MESH", "VOXEL"))
Load3DCamera = socket_type("LOAD3D_CAMERA")
Boolean = socket_type("BOOLEAN", (*WIDGET, "label_on", "label_off"), force_input="forceInput")
Int = socket_type("INT", (*WIDGET, *NUMBER), force_input="forceInput", display_mode="display")
Float = socket_type("FLOAT", (*WIDGET, "min", "max", "step", "round", "display_mode"), display_mode="display")
String = socket_type("STRING", (*WIDGET, "multiline", "placeholder"), force_input="forceInput")
Combo = socket_type("COMBO", (*WIDGET, "options", "control_after_generate"))


@dataclass
class Schema:
    node_id: str
    display_name: str | None = None
    category: str = "sd"
    inputs: list = field(default_factory=list)
    outputs: list = field(default_factory=list)
    description: str = ""
    is_output_node: bool = False
    is_experimental: bool = False
    enable_expand: bool = False

    def validate(self) -> None:
        inputs, outputs = [i.id for i in self.inputs], [o.id for o in self.outputs if o.id is not None]
        if len(set(inputs + outputs)) != len(inputs + outputs):
            raise ValueError(f"{self.node_id}: ids must be unique among inputs and outputs, {inputs} {outputs}")


class NodeOutput:
    def __init__(self, *args, ui=None, expand=None, block_execution=None):
        self.args, self.ui, self.expand, self.block_execution = args, ui, expand, block_execution

    @property
    def result(self):
        return self.args or None


class ComfyNode:
    @classmethod
    def define_schema(cls) -> Schema:
        raise NotImplementedError

    @classmethod
    def GET_SCHEMA(cls) -> Schema:
        schema = cls.define_schema()
        schema.validate()
        return schema

    @classmethod
    def EXECUTE_NORMALIZED(cls, **inputs) -> NodeOutput:
        output = cls.execute(**inputs)
        if not isinstance(output, NodeOutput):
            raise TypeError(f"{cls.__name__} returned a {type(output).__name__}")
        return output

    @classmethod
    def GET_NODE_INFO_V1(cls) -> dict:
        """What the frontend is told about the node."""
        schema = cls.GET_SCHEMA()
        sockets: dict[str, dict] = {"required": {}}
        for one in schema.inputs:
            described = one.as_dict() | ({"multiselect": False} if one.io_type == "COMBO" else {})
            sockets.setdefault("optional" if one.optional else "required", {})[one.id] = (one.io_type, described)
        if schema.is_output_node:
            sockets["hidden"] = {"prompt": ("PROMPT",), "extra_pnginfo": ("EXTRA_PNGINFO",)}
        return {
            "input": sockets,
            "input_order": {key: list(value) for key, value in sockets.items()},
            "output": [o.io_type for o in schema.outputs],
            "output_is_list": [o.is_output_list for o in schema.outputs],
            "output_name": [o.display_name or o.io_type for o in schema.outputs],
            "output_tooltips": [o.tooltip for o in schema.outputs],
            "name": schema.node_id,
            "display_name": schema.display_name,
            "description": schema.description,
            "category": schema.category,
            "output_node": schema.is_output_node,
            "experimental": schema.is_experimental,
        }
