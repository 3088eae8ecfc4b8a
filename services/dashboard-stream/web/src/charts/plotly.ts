/**
 * Plotly with what this page draws, and no more: lines, and on them shapes and words. `plotly.js/lib/core` registers
 * sliders, menus, images, error and colour bars besides. The mode bar is off, and has to be there. Other kinds of traces are `register`ed when one
 * is drawn.
 */
import * as methods from "plotly.js/src/plot_api/plot_api";
import annotations from "plotly.js/src/components/annotations";
import fx from "plotly.js/src/components/fx";
import modebar from "plotly.js/src/components/modebar";
import shapes from "plotly.js/src/components/shapes";
import english from "plotly.js/src/locale-en";
import american from "plotly.js/src/locale-en-us";
import { register } from "plotly.js/src/registry";
import scatter from "plotly.js/src/traces/scatter";
import "plotly.js/build/plotcss";

for (const [name, fn] of Object.entries(methods)) register({ moduleType: "apiMethod", name, fn });
register([scatter, annotations, shapes, fx, modebar, english, american]);

const { react, purge } = methods;
export default { react, purge, register };
