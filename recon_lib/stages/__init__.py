"""Stages: functions from views, fields and meshes to others, each of which a node calls."""
