"""Runs graphs of nodes without a server, in the API form."""

import torch


def is_link(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)


def executed(pack, graph: dict, known: dict[str, tuple]) -> dict[str, tuple]:
    """The outputs of all nodes, each run once its inputs are there, with nothing filled in."""
    done = dict(known)
    while len(done) < len(known) + len(graph):
        ready = [
            name for name, node in graph.items()
            if name not in done and all(value[0] in done for value in node["inputs"].values() if is_link(value))
        ]  # fmt: skip
        assert ready, "the graph goes in a circle or hangs in the air"
        for name in ready:
            node = graph[name]
            inputs = {key: done[v[0]][v[1]] if is_link(v) else v for key, v in node["inputs"].items()}
            with torch.inference_mode():
                done[name] = pack.nodes[node["class_type"]].EXECUTE_NORMALIZED(**inputs).result
    return done
