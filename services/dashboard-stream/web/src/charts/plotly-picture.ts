/** What Plotly needs to make a picture of a chart, fetched where one is made. */
import toImage from "plotly.js/src/plot_api/to_image";

export default toImage;
