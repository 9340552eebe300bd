// Notes and titles of the pack's own workflows and blueprints in Chinese pages; the files themselves are in English.
import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";

let words; // maps from English, by kind: asked for once, and only by a page in Chinese

const isChinese = () => app.extensionManager?.setting?.get("Comfy.Locale") === "zh";

async function fetchWords() {
  try {
    const { notes, titles, sockets } = (await (await api.fetchApi("/i18n")).json()).zh.recon3d;
    const maps = [notes, titles, sockets].map((pairs) => new Map(Object.entries(pairs)));
    return { notes: maps[0], titles: maps[1], sockets: maps[2] };
  } catch {
    return { notes: new Map(), titles: new Map(), sockets: new Map() };
  }
}

// what is not word for word as shipped stays
function replace(owner, key, map) {
  if (map.has(owner?.[key])) owner[key] = map.get(owner[key]);
}

function label(owner) {
  for (const slot of [...(owner.inputs ?? []), ...(owner.outputs ?? [])])
    if (words.sockets.has(slot.name)) slot.label ??= words.sockets.get(slot.name);
}

// titles such as "Depth" are anyone's: graphs without a node of the pack are not its workflows
const isOurs = (graphs) => graphs.some(({ nodes }) => nodes?.some(({ type }) => type?.startsWith("Recon3D_")));

function translate(workflow) {
  const insides = workflow.definitions?.subgraphs ?? []; // the nested ones too
  const graphs = [workflow, ...insides];
  if (!isOurs(graphs)) return;
  const shipped = new Set(insides.filter(({ name }) => words.titles.has(name)).map(({ id }) => id));
  for (const graph of graphs) {
    if (shipped.has(graph.id)) label(graph);
    replace(graph, "name", words.titles);
    for (const group of graph.groups ?? []) replace(group, "title", words.titles);
    for (const node of graph.nodes ?? []) {
      if (shipped.has(node.type)) label(node);
      if (node.type === "MarkdownNote") replace(node.widgets_values, 0, words.notes);
      replace(node, "title", words.titles);
    }
  }
}

app.registerExtension({
  name: "Recon3D.Notes",
  async beforeConfigureGraph(graph) {
    if (!isChinese()) return;
    words ??= await fetchWords();
    translate(graph);
  },
  // a blueprint becomes a node without a graph being loaded; its title comes when it is configured
  nodeCreated(node) {
    if (!isChinese() || !words?.titles.has(node.subgraph?.name)) return;
    const { onConfigure } = node;
    node.onConfigure = (...given) => {
      onConfigure?.apply(node, given);
      for (const owner of [node, node.subgraph]) label(owner);
      replace(node, "title", words.titles);
      replace(node.subgraph, "name", words.titles);
    };
  },
});
