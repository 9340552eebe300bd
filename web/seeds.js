// Seeds of the pack's nodes: fixed until the user says otherwise, and grey where the chosen model reads none.
import { app } from "../../scripts/app.js";

// node -> widget and value with which the seed is not read; it is sent as 0 then, so that nothing runs anew
const UNREAD = {
  Recon3D_EstimateDepthNormals: ["estimator", "the connected model"],
};

function follow(node, seed, [name, value]) {
  const chooser = node.widgets?.find((widget) => widget.name === name);
  if (!chooser) return;
  const isUnread = () => chooser.value === value;
  const serialize = seed.serializeValue;
  seed.serializeValue = (...given) => (isUnread() ? 0 : (serialize?.apply(seed, given) ?? seed.value));
  Object.defineProperty(seed, "disabled", { configurable: true, get: isUnread, set() {} });
}

app.registerExtension({
  name: "Recon3D.Seeds",
  nodeCreated(node) {
    if (!node.comfyClass?.startsWith("Recon3D_")) return;
    const seed = node.widgets?.find((widget) => widget.name === "seed");
    if (!seed) return;
    for (const each of seed.linkedWidgets ?? []) if (each.value === "randomize") each.value = "fixed";
    if (UNREAD[node.comfyClass]) follow(node, seed, UNREAD[node.comfyClass]);
  },
});
