"""What nodes that expand need: a graph whose nodes get names of their own."""


class Placed:
    def __init__(self, name, kind, inputs):
        self.name, self.kind, self.inputs = name, kind, inputs

    def out(self, index):
        return [self.name, index]


class GraphBuilder:
    def __init__(self, prefix="1.0.0."):
        self.prefix, self.nodes = prefix, {}

    def node(self, class_type, id=None, **inputs):  # noqa: A002
        name = self.prefix + (id or str(len(self.nodes) + 1))
        if name not in self.nodes:
            self.nodes[name] = Placed(name, class_type, inputs)
        return self.nodes[name]

    def finalize(self):
        return {name: {"class_type": node.kind, "inputs": node.inputs} for name, node in self.nodes.items()}
