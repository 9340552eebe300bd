// A colour for each type of the pack's links, so that graphs can be followed by eye.
import { app } from "../../scripts/app.js";

const COLORS = {
  RECON3D_MODEL: "#b39ddb",
  RECON3D_VIEWS: "#4fc3f7",
  RECON3D_CAMERAS: "#fff176",
  RECON3D_FIELD: "#ff8a65",
  RECON3D_POINTS: "#81c784",
  RECON3D_GAP: "#f06292",
  RECON3D_OUTPAINTER: "#ce93d8",
  RECON3D_PRIOR: "#9fa8da",
};

// The page empties the colours of all types whenever it loads a palette; a palette that names ours still wins.
function setDefault(palette, type, color) {
  let chosen = palette[type];
  Object.defineProperty(palette, type, {
    configurable: true,
    enumerable: true,
    get: () => chosen || color,
    set: (value) => {
      chosen = value;
    },
  });
}

app.registerExtension({
  name: "Recon3D.LinkColors",
  setup() {
    const palettes = [window.LGraphCanvas?.link_type_colors, app.canvas?.default_connection_color_byType];
    for (const palette of palettes.filter(Boolean)) {
      for (const [type, color] of Object.entries(COLORS)) setDefault(palette, type, color);
    }
  },
});
