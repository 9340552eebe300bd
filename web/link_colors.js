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

app.registerExtension({
  name: "Recon3D.LinkColors",
  setup() {
    for (const palette of [window.LGraphCanvas?.link_type_colors, app.canvas?.default_connection_color_byType]) {
      if (palette) Object.assign(palette, COLORS);
    }
  },
});
