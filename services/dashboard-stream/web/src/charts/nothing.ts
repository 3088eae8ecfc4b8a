/** Stands in for a style sheet of Plotly that this page does not need. */
export {};
