/** What Plotly needs for heat maps, fetched where one is drawn. */
import heatmap from "plotly.js/src/traces/heatmap";

export default heatmap;
