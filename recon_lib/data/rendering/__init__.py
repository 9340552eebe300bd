"""Objects and their renders with exact geometry."""
