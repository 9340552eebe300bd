"""Renamed nodes: told to a ComfyUI that can replace them, and every row leads to a node that exists."""

import asyncio
import sys
import types

ROW = {"old_node_id": "Recon3D_Old", "new_node_id": "Recon3D_ExtractMesh", "old_widget_ids": ["resolution"]}


def host_with_replacements(monkeypatch, module) -> list:
    """A newer ComfyUI. -> what was registered with it"""
    told = []

    async def register(row) -> None:
        told.append(row)

    api = types.SimpleNamespace(node_replacement=types.SimpleNamespace(register=register))
    monkeypatch.setattr(module.latest, "ComfyAPI", lambda: api, raising=False)
    monkeypatch.setattr(module.io, "NodeReplace", types.SimpleNamespace, raising=False)
    return told


def test_renamed_nodes_are_told_when_the_pack_loads(pack, monkeypatch):
    module = pack.file("node_replacements")
    told = host_with_replacements(monkeypatch, module)
    asyncio.run(module.register_replacements((ROW,)))
    assert [vars(row) for row in told] == [ROW]
    told.clear()
    asyncio.run(sys.modules[module.__package__].Recon3D().on_load())
    assert len(told) == len(module.REPLACEMENTS)


def test_older_versions_are_told_nothing(pack, monkeypatch):
    module = pack.file("node_replacements")
    asyncio.run(module.register_replacements((ROW,)))  # neither ComfyAPI nor NodeReplace
    told = host_with_replacements(monkeypatch, module)
    monkeypatch.setattr(module.latest, "ComfyAPI", types.SimpleNamespace)  # 0.3.64: no `node_replacement`
    asyncio.run(module.register_replacements((ROW,)))
    assert told == []


def test_rows_lead_from_gone_nodes_to_existing_ones(pack):
    for row in pack.file("node_replacements").REPLACEMENTS:
        assert row["old_node_id"] not in pack.nodes
        schema = pack.nodes[row["new_node_id"]].define_schema()
        known = {socket.id for socket in schema.inputs}
        assert {one["new_id"] for one in row.get("input_mapping", [])} <= known
