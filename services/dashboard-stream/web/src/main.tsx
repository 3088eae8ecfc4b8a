import { render } from "preact";
import { App } from "./shell/app.tsx";
import { followAhead } from "./shell/hooks.ts";
// In the order of the cascade.
import "./shell/theme.css";
import "./shell/base.css";
import "./shell/controls.css";
import "./shell/shell.css";
import "./shell/palette.css";
import "./pages/dashboard.css";
import "./pages/notes.css";
import "./panels/panels.css";
import "./charts/charts.css";
import "./panels/kinds.css";
import "./panels/frame.css";
import "./panels/variables.css";
import "./panels/insights.css";
import "./panels/capacity.css";
import "./panels/scores.css";
import "./panels/metrics.css";
import "./panels/editor.css";
import "./pages/metrics.css";
import "./pages/dashboards.css";
import "./builder/builder.css";
import "./pages/traces.css";
import "./pages/explorer.css";
import "./pages/home.css";

const page = document.getElementById("page");
if (!page) throw new Error("index.html has no element #page");

// A key that came in the address is in a cookie now, and should not stay where shoulders and histories see it.
const address = new URL(location.href);
if (address.searchParams.has("token")) {
  address.searchParams.delete("token");
  history.replaceState(null, "", address);
}

followAhead();
render(<App />, page);
