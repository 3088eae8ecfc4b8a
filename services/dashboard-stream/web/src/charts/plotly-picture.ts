/** What Plotly needs to make a picture of a chart, with its legend, fetched where one is made. */
import legend from "plotly.js/src/components/legend";
import toImage from "plotly.js/src/plot_api/to_image";
import { register } from "plotly.js/src/registry";

register([legend]);
export default toImage;
