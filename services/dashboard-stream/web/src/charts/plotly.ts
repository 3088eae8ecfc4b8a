/** Plotly with the trace types that this page draws, and no more. */
import Plotly from "plotly.js/lib/core";
import heatmap from "plotly.js/lib/heatmap";

Plotly.register([heatmap]);

export default Plotly;
